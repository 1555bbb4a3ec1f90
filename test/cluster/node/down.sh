#!/usr/bin/env bash
# STATE=<folder> down.sh: kills the node and all that is in it, removes its control groups and its folder, and fails with the
# names of what is left.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"
source "$here/cgroups.sh"
source "$here/mounts.sh"

kill_cgroups
remove_cgroups
[[ ! -s $STATE/peak-memory ]] || echo "the node had at most $(($(<"$STATE/peak-memory") >> 20)) MiB of memory at once"
if grep -q " $STATE/" /proc/self/mounts; then
  echo "node: still mounted on the machine: $(awk -v state="$STATE/" 'index($2, state) == 1 {print $2}' /proc/self/mounts | tr '\n' ' ')" >&2
  exit 1
fi
if [[ -f $STATE/machine-settings ]] && ! diff "$STATE/machine-settings" <(print_machine_settings) >&2; then
  echo "node: it changed these kernel settings of the machine (>: now)" >&2
  exit 1
fi
rm -rf --one-file-system "$STATE"
