# shellcheck shell=bash
# The kubelet and kube-proxy. Sourced by init.sh, which brings `start`.

start_kubelet() {
  : >"$STATE/node/resolv.conf"
  cat >"$STATE/node/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $PKI/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet-serving.crt
tlsPrivateKeyFile: $PKI/kubelet-serving.key
clusterDomain: cluster.local
clusterDNS: [$DNS_SERVICE_IP]
# No servers but the cluster's: there is no way out.
resolvConf: $STATE/node/resolv.conf
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
seccompDefault: true
makeIPTablesUtilChains: false
# The disk is the machine's, and as full as it happens to be.
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", nodefs.inodesFree: "1%", memory.available: 100Mi}
imageGCHighThresholdPercent: 100
# A changed ConfigMap is in the pods' volumes after some 10 s instead of up to 60.
syncFrequency: 10s
YAML
  start kubelet kubelet --config "$STATE/node/kubelet.yaml" --kubeconfig "$STATE/kubeconfig/kubelet.conf" \
    --hostname-override="$NODE_NAME" --node-ip="$NODE_IP"
  until_succeeds 120 kubectl get node "$NODE_NAME"
}

# Limits of connection tracking belong to the machine: 0 leaves them.
start_kube_proxy() {
  cat >"$STATE/node/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $STATE/kubeconfig/kube-proxy.conf}
mode: nftables
clusterCIDR: $POD_SUBNET
hostnameOverride: $NODE_NAME
bindAddress: $NODE_IP
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
  start kube-proxy kube-proxy --config "$STATE/node/kube-proxy.yaml"
}
