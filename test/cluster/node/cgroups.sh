# shellcheck shell=bash
# Control groups of the node, below those of the process that starts it: one directory in each hierarchy of cgroup v1, or one
# in the only hierarchy of v2. $STATE/cgroups lists them, one a line, for the removal. A dozen programs and all pods share it, so
# it weighs four times what another process does. Sourced.

create_cgroups() {
  : >"$STATE/cgroups"
  if is_cgroup_v2; then create_v2; else create_v1; fi
}

is_cgroup_v2() { [[ -f /sys/fs/cgroup/cgroup.controllers ]]; }

# At the root: a group that has processes of its own, as that of a login session, may hand no controllers down.
create_v2() {
  local controller
  for controller in cpu memory pids; do
    grep -qw "$controller" /sys/fs/cgroup/cgroup.subtree_control || {
      echo "node: cgroup v2: the root hands down no controller \"$controller\" (cgroup.subtree_control)" >&2
      return 1
    }
  done
  create_cgroup "/sys/fs/cgroup/countersign-node-$$"
  echo 400 >"/sys/fs/cgroup/countersign-node-$$/cpu.weight"
}

# /proc/self/cgroup has a line for each hierarchy: "4:memory:/the/group", "9:name=systemd:/".
create_v1() {
  local list group directory
  while IFS=: read -r _ list group; do
    [[ -n $list && -d /sys/fs/cgroup/${list#name=} ]] || continue
    directory=/sys/fs/cgroup/${list#name=}${group%/}/countersign-node-$$
    create_cgroup "$directory"
    [[ $list != cpuset ]] || inherit_cpuset "$directory"
    [[ ! -f $directory/cpu.shares ]] || echo 4096 >"$directory/cpu.shares"
  done </proc/self/cgroup
}

# A new cpuset is empty, and no process can join an empty one.
inherit_cpuset() {
  cat "$1/../cpuset.cpus" >"$1/cpuset.cpus"
  cat "$1/../cpuset.mems" >"$1/cpuset.mems"
}

# Listed first: what was made is removed even when the next step fails.
create_cgroup() {
  echo "$1" >>"$STATE/cgroups"
  mkdir "$1"
}

join_cgroups() {
  local directory
  while read -r directory; do echo $$ >"$directory/cgroup.procs"; done <"$STATE/cgroups"
}

# This process, and so the node's own programs, step into a leaf. cgroup v2 lets a group hand controllers down only while no
# process is in it; and with v1 each of their threads would weigh half as much as all pods together.
step_into_leaf() {
  local directory
  while read -r directory; do
    mkdir "$directory/init"
    [[ ! -f $directory/cpuset.cpus ]] || is_cgroup_v2 || inherit_cpuset "$directory/init"
    echo $$ >"$directory/init/cgroup.procs"
  done <"$STATE/cgroups"
}

# Inside: the file system of the control groups as the node sees it, with the node's own group as the root.
mount_cgroups() {
  if is_cgroup_v2; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    local controller
    for controller in $(</sys/fs/cgroup/cgroup.controllers); do
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
    done
    return
  fi
  local list
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while IFS=: read -r _ list _; do
    [[ -n $list ]] || continue
    mkdir "/sys/fs/cgroup/${list#name=}"
    case $list in
      name=*) mount -t cgroup -o "none,$list" cgroup "/sys/fs/cgroup/${list#name=}" ;;
      *) mount -t cgroup -o "$list" cgroup "/sys/fs/cgroup/$list" ;;
    esac
  done </proc/self/cgroup
}

# Everything that the node started is in its groups, and nothing else is.
kill_cgroups() {
  local directory process
  directory=$(head -n 1 "$STATE/cgroups" 2>/dev/null) || return 0
  [[ -d $directory ]] || return 0
  find "$directory" -name cgroup.procs -exec cat {} + | while read -r process; do
    kill -KILL "$process" 2>/dev/null || true
  done
}

# Processes that were killed leave their groups a moment later.
remove_cgroups() {
  [[ -f $STATE/cgroups ]] || return 0
  local directory
  while read -r directory; do
    [[ ! -d $directory ]] || until_succeeds 20 find "$directory" -depth -type d -exec rmdir {} +
  done <"$STATE/cgroups"
}

# Writes the most memory that all of the node's processes had at once, in bytes, to $STATE/peak-memory. The kernel's own peak
# counts cached files, too. Runs inside, until the node ends.
record_peak_memory() {
  local file=/sys/fs/cgroup/memory/memory.stat field=total_rss peak=0 now
  if is_cgroup_v2; then file=/sys/fs/cgroup/memory.stat field=anon; fi
  while sleep 2; do
    now=$(awk -v field="$field" '$1 == field { print $2 }' "$file")
    ((now <= peak)) || { peak=$now && echo "$peak" >"$STATE/peak-memory"; }
  done
}
