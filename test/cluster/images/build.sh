#!/usr/bin/env bash
# build.sh SERVICE REF: builds the repository's Dockerfile where there is no Docker, by Debian's buildah and on the bases of
# make-bases.ts. Needs root on Linux. Layers are kept: after an edit only the sources are copied anew.
set -euo pipefail
service=${1:?usage: build.sh SERVICE REF} ref=${2:?usage: build.sh SERVICE REF}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=test/cluster/images/buildah.sh
. "$here/buildah.sh"

# One build at a time: they share what they keep, and two processors.
exec 9>"$STORAGE/lock"
flock 9

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# npm's Node 24, whatever `node` is. npm installs the one that fits the processor.
node24=("$root"/node_modules/node-linux-*/bin/node)
made=$("${node24[0]}" "$here/make-bases.ts")
bases=()
while read -r argument name archive; do
  image_exists "$name" || in_storage pull -q "docker-archive:$archive" >/dev/null
  bases+=(--build-arg "$argument=$name")
done <<<"$made"

# How this machine reaches npm's registry is a secret of the build: it is there while npm runs, and in no layer.
secrets=(--secret "id=npmrc,src=$work/npmrc")
printf 'registry=%s\n' "$(npm config get registry)" >"$work/npmrc"
ca=$(npm config get cafile)
if [ -f "$ca" ]; then
  printf 'cafile=/run/secrets/npm-ca\n' >>"$work/npmrc"
  secrets+=(--secret "id=npm-ca,src=$ca")
fi

in_storage bud -q --isolation chroot --network host --layers --timestamp 0 --identity-label=false --target service --pull-never \
  "${bases[@]}" "${secrets[@]}" --build-arg "SERVICE=$service" -t "$ref" -f "$root/Dockerfile" "$root"
