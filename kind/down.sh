#!/usr/bin/env bash
# Removes the cluster, its registry and the images that were built for it. Idempotent. What stays: Docker's network `kind`,
# which belongs to every cluster of kind, and base images in Docker's cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=names.sh
. ./names.sh

# The whole node goes at once: no pod can be left waiting for a volume whose driver is gone.
kind delete cluster --name "$cluster"
docker rm --force --volumes "$registry" >/dev/null 2>&1 || true

# `npm run kind -- up` tags them NAME/..., Tilt NAME_...
images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=$cluster/*" \
  --filter "reference=localhost:$registry_port/$cluster/*" --filter "reference=localhost:$registry_port/${cluster}_*")
if [[ -n $images ]]; then
  # One word a line, by the format above.
  # shellcheck disable=SC2086
  docker image rm --force $images >/dev/null
fi
printf '%s: gone, with its registry and its images\n' "$cluster"
