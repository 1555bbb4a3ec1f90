# shellcheck shell=bash
# Sourced: buildah with a storage of its own in the cache folder.
STORAGE=${COUNTERSIGN_IMAGE_STORAGE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign/buildah}
mkdir -p "$STORAGE/tmp"

with_driver() {
  local driver=$1
  shift
  TMPDIR="$STORAGE/tmp" buildah --root "$STORAGE/$driver" --runroot "$STORAGE/run-$driver" --storage-driver "$driver" "$@"
}

# Overlay shares what layers have in common. It is not to be had on a file system that is an overlay itself: vfs is, which
# copies whole layers and takes minutes where overlay takes seconds.
DRIVER=overlay
with_driver overlay info >/dev/null 2>&1 || DRIVER=vfs

in_storage() {
  with_driver "$DRIVER" "$@"
}

image_exists() {
  in_storage inspect --type image "$1" >/dev/null 2>&1
}
