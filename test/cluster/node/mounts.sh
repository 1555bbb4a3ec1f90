# shellcheck shell=bash
# What the node sees of the file system: the machine's, with folders of its own where Kubernetes writes. All of it is below
# $STATE, so nothing of it is left on the machine. Sourced by init.sh, inside the node's namespaces.

mount_node() {
  # Volumes that the CSI driver's container mounts have to reach the pods.
  mount --make-rshared /
  mount -t sysfs sysfs /sys
  mount_cgroups
  mount -t tmpfs -o mode=755 tmpfs /run
  local directory
  for directory in /etc /var/lib /var/log; do mount_writable_copy "$directory"; done
  # Both hold mounts and layers, which can't stand on the copies above: an overlay is no place for an overlay.
  for directory in /var/lib/kubelet /var/lib/containerd; do
    mkdir -p "$directory" "$STATE/node$directory"
    mount --bind "$STATE/node$directory" "$directory"
  done
  mount --make-rshared /var/lib/kubelet
  fake_machine_settings
}

# What is written to the copy goes to $STATE.
mount_writable_copy() {
  local upper=$STATE/node/upper$1 work=$STATE/node/work$1
  mkdir -p "$upper" "$work"
  mount -t overlay -o "lowerdir=$1,upperdir=$upper,workdir=$work" overlay "$1"
}

# Kernel settings that the kubelet would change for the whole machine. It finds the values that it wants, in files.
fake_machine_settings() {
  local setting value
  mkdir -p "$STATE/node/settings"
  while read -r setting value; do
    echo "$value" >"$STATE/node/settings/$setting"
    mount --bind "$STATE/node/settings/$setting" "/proc/sys/${setting//.//}"
  done < <(settings_of_kubelet)
}

settings_of_kubelet() {
  cat <<'SETTINGS'
vm.overcommit_memory 1
vm.panic_on_oom 0
kernel.panic 10
kernel.panic_on_oops 1
kernel.keys.root_maxkeys 1000000
kernel.keys.root_maxbytes 25000000
SETTINGS
}

# The machine's own values, to compare afterwards. Outside of the node.
print_machine_settings() {
  local setting
  while read -r setting _; do
    echo "$setting $(<"/proc/sys/${setting//.//}")"
  done < <(settings_of_kubelet)
}
