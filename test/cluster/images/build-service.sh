#!/usr/bin/env bash
# What the Tiltfile calls in place of `docker build` where COUNTERSIGN_IMAGE_BUILD names it: builds a service's image by
# build.sh and hands it to the node's containerd as $EXPECTED_REF. `build-service.sh --warm` builds all of them and hands
# over none: npm's registry is asked then, and not from within the node, which has no way out.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/cluster/images/buildah.sh
. "$here/buildah.sh"

# What is kept grows with every edit: from here on it is made anew, in a minute.
LIMIT_KIB=$((6 * 1024 * 1024))

if [ "${1:-}" = --warm ]; then
  if [ "$(du -sk "$STORAGE/$DRIVER" | cut -f1)" -gt "$LIMIT_KIB" ]; then in_storage rmi --all --force >/dev/null; fi
  for service in customer backend db-client console; do
    "$here/build.sh" "$service" "localhost/countersign-ci/$service:warm" >/dev/null
  done
  exit
fi

service=${1:?usage: EXPECTED_REF=name:tag build-service.sh SERVICE}
ref=${EXPECTED_REF:?Tilt sets it to the name that the manifests will have}
# A name without a registry is Docker Hub's for the kubelet, and localhost's for buildah.
case ${ref%%/*} in
  *.* | *:* | localhost) ;;
  *) ref=docker.io/$ref ;;
esac

"$here/build.sh" "$service" "$ref"
archive=$(mktemp -d)/image.tar
trap 'rm -rf "$(dirname "$archive")"' EXIT
in_storage push -q "$ref" "docker-archive:$archive:$ref"
ctr -n k8s.io images import "$archive"
