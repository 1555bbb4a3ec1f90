# shellcheck shell=bash
# Sourced: buildah with a storage of its own in the cache folder. vfs copies whole layers, but works on every file system,
# also where this machine's root is itself an overlay.
STORAGE=${COUNTERSIGN_IMAGE_STORAGE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign/buildah}
mkdir -p "$STORAGE/tmp"

in_storage() {
  TMPDIR="$STORAGE/tmp" buildah --root "$STORAGE/store" --runroot "$STORAGE/run" --storage-driver vfs "$@"
}

image_exists() {
  in_storage inspect --type image "$1" >/dev/null 2>&1
}
