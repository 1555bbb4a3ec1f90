#!/usr/bin/env bash
# Process 1 of the node: mounts, network, then every program, each with a log of its own in $STATE/log. It writes
# $STATE/ready when pods can run, and ends, and with it the node, as soon as one of its programs does.
# shellcheck source-path=SCRIPTDIR
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"
source "$here/cgroups.sh"
source "$here/mounts.sh"
source "$here/network.sh"
source "$here/certificates.sh"
source "$here/control-plane.sh"
source "$here/containerd.sh"
source "$here/kubelet.sh"
source "$here/storage.sh"

declare -A names=()

# NAME COMMAND...
start() {
  local name=$1
  shift
  "$@" >"$STATE/log/$name.log" 2>&1 &
  names[$!]=$name
}

# A program that is gone while the node is being set up shows as something else that does not succeed in time.
report_ended() {
  local pid
  for pid in "${!names[@]}"; do
    kill -0 "$pid" 2>/dev/null || tail -n 20 "$STATE/log/${names[$pid]}.log" | sed "s/^/${names[$pid]}: /" >&2
  done
}
trap report_ended ERR

hostname "$NODE_NAME"
mount_node
record_peak_memory &
set_up_network
make_certificates
start_containerd
import_images &
images=$!
start_api_server
start_controllers
kubectl apply --server-side --filename "$here/manifests" >/dev/null
offer_volumes
wait "$images"
start_kubelet
start_kube_proxy
start network-policies node "$here/network-policies/main.ts" \
  --server https://127.0.0.1:6443 --ca "$PKI/ca.crt" --certificate "$PKI/network-policies.crt" --key "$PKI/network-policies.key"
kubectl wait --for=condition=Ready "node/$NODE_NAME" --timeout=180s >/dev/null
kubectl --namespace kube-system rollout status deployment/coredns --timeout=180s >/dev/null
touch "$STATE/ready"

ended=
wait -n -p ended "${!names[@]}" || true
report_ended
echo "node: ${names[$ended]} ended, and so does the node" >&2
exit 1
