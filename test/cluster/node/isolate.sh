#!/usr/bin/env bash
# The second step of run.sh: mounts and control groups are private by now, network and processes still the machine's.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"
source "$here/cgroups.sh"

step_into_leaf

# A way back to the machine's network, for with-network.sh.
: >"$STATE/machine-net"
mount --bind /proc/self/ns/net "$STATE/machine-net"

echo $$ >"$STATE/outer.pid"
exec unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc --propagation private "$here/init.sh"
