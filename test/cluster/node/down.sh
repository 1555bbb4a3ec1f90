#!/usr/bin/env bash
# STATE=<folder> down.sh: kills the node and all that is in it, removes its control groups and its folder, and fails with the
# names of what is left.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=settings.sh
source "$here/settings.sh"
# shellcheck source=cgroups.sh
source "$here/cgroups.sh"

# Whoever holds the folder's bind mount of its network lives in the node's namespaces, too, or is the node itself.
if [[ -f $STATE/outer.pid ]]; then
  outer=$(<"$STATE/outer.pid")
  # A number of a process can be given again: it is the node only if it runs our first process.
  if [[ -d /proc/$outer ]] && grep -q "$here/init.sh" <(tr '\0' ' ' <"/proc/$outer/cmdline"); then
    kill -KILL "$outer"
  fi
fi
remove_cgroups
if grep -q " $STATE/" /proc/self/mounts; then
  echo "node: still mounted on the machine: $(awk -v state="$STATE/" 'index($2, state) == 1 {print $2}' /proc/self/mounts | tr '\n' ' ')" >&2
  exit 1
fi
rm -rf --one-file-system "$STATE"
