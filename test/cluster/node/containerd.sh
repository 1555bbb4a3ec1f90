# shellcheck shell=bash
# The container runtime, and the images: there is no registry, so all of them are imported. Sourced by init.sh, which brings
# `start`.

start_containerd() {
  cat >"$STATE/node/containerd.toml" <<TOML
version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'localhost/countersign-ci/pause:ci'

[plugins.'io.containerd.cri.v1.runtime']
  # Where root lacks CAP_SYS_RESOURCE runc can't lower the score, and ends with "can't get final child's PID from pipe".
  restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/usr/lib/cni']

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
TOML
  start containerd containerd --config "$STATE/node/containerd.toml"
  until_succeeds 30 ctr version
}

import_images() {
  local archive
  for archive in "$STATE"/images/*.tar; do
    ctr --namespace k8s.io images import "$archive" >/dev/null
  done
}
