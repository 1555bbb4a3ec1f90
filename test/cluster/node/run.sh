#!/usr/bin/env bash
# Runs the node until it is killed: all that it starts dies with this process. STATE=<folder> run.sh
# Makes control groups of its own below those of this process, then private mounts; isolate.sh goes on inside.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"
source "$here/cgroups.sh"
source "$here/mounts.sh"

mkdir -p "$STATE"/{home,log,tmp}
print_machine_settings >"$STATE/machine-settings"
create_cgroups
join_cgroups
exec unshare --mount --cgroup --propagation private "$here/isolate.sh"
