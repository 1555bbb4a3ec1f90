#!/usr/bin/env bash
# enter.sh COMMAND...: runs it inside the node's namespaces, in this folder, with the node's programs first on PATH and
# KUBECONFIG set. The node is that of STATE, or else the one that `npm run test:cluster -- --keep` left.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kept=${COUNTERSIGN_STATE_DIR:-$here/../../../.countersign}/cluster-node
if [[ -z ${STATE:-} ]]; then
  [[ -f $kept ]] || {
    echo "enter: no node is kept; npm run test:cluster -- --keep starts one" >&2
    exit 1
  }
  STATE=$(<"$kept")
  export STATE
fi
source "$here/settings.sh"

pid=$(pgrep --parent "$(<"$STATE/outer.pid")") || {
  echo "enter: the node of $STATE does not run" >&2
  exit 1
}
# shellcheck disable=SC2016 # the inner shell expands it
exec nsenter --target "$pid" --mount --net --pid --ipc --uts --cgroup -- \
  bash -c 'cd "$1" && shift && exec "$@"' enter "$PWD" "${@:-bash}"
