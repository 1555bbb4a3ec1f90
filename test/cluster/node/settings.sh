# shellcheck shell=bash
# Names and addresses of the node, for the scripts beside this one, which source it. STATE, the node's one folder, comes from
# the environment. Nothing here is used outside the node's own namespaces.

: "${STATE:?the folder of the node; npm run test:cluster makes it}"

# As kind would name the cluster, its context and its one node.
export CLUSTER=countersign
export CONTEXT=kind-$CLUSTER
export NODE_NAME=$CLUSTER-control-plane

export NODE_IP=10.77.0.2
export POD_SUBNET=10.244.0.0/24
export SERVICE_SUBNET=10.96.0.0/16
# The first address of the services is the API server's, by convention; the tenth is DNS.
export API_SERVICE_IP=10.96.0.1
export DNS_SERVICE_IP=10.96.0.10

export PATH=$STATE/bin:$PATH
export PKI=$STATE/pki
export KUBECONFIG=$STATE/kubeconfig/admin.conf
# What programs write to a home or a temporary folder goes with the node; what is cached for the next one stays.
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache}
export HOME=$STATE/home TMPDIR=$STATE/tmp

# Where the Tiltfile takes something else: docs/reference/cluster-test.md lists them.
export COUNTERSIGN_SPIRE_INSTALL=test/cluster/spire/install.sh
export COUNTERSIGN_IMAGE_BUILD=test/cluster/images/build-service.sh
export COUNTERSIGN_OVERLAY=ci
export TILT_DISABLE_ANALYTICS=1

# until_succeeds SECONDS COMMAND...: runs it until it succeeds; after that time, what it said last.
until_succeeds() {
  local deadline=$((SECONDS + $1)) said
  shift
  until said=$("$@" 2>&1); do
    if ((SECONDS >= deadline)); then
      printf 'node: in time, this did not succeed: %s\n%s\n' "$*" "$said" >&2
      return 1
    fi
    sleep 0.2
  done
}
