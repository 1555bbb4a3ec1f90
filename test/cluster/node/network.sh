# shellcheck shell=bash
# The node's network: one address, no way out, and how pods get theirs. Sourced by init.sh, inside the node's namespaces.

set_up_network() {
  ip link set lo up
  # Both ends stay here: an interface that is up, with nothing behind it.
  ip link add eth0 type veth peer name nowhere
  ip link set nowhere up
  ip link set eth0 up
  ip address add "$NODE_IP/24" dev eth0
  # Addresses of services lie on no link: without a route nothing is sent that kube-proxy could rewrite.
  ip route add default dev eth0
  sysctl -qw net.ipv4.ip_forward=1
  write_cni_configuration
}

# `ptp`, as kind's own plugin does: every packet between pods is routed, and so passes the NetworkPolicies' rules.
write_cni_configuration() {
  mkdir -p /etc/cni/net.d
  cat >/etc/cni/net.d/10-countersign.conflist <<JSON
{
  "cniVersion": "1.0.0",
  "name": "$CLUSTER",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-addresses",
        "ranges": [[{ "subnet": "$POD_SUBNET" }]],
        "routes": [{ "dst": "0.0.0.0/0" }]
      }
    }
  ]
}
JSON
}
