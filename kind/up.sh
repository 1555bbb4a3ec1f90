#!/usr/bin/env bash
# Makes the cluster and its registry, or leaves them as they are: run it as often as you like. Needs Docker, kind, kubectl.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=names.sh
. ./names.sh

say() { printf '%s: %s\n' "$1" "$2"; }

registry_state() { docker inspect --format '{{.State.Status}}' "$registry" 2>/dev/null || true; }

ensure_registry() {
  case "$(registry_state)" in
    running) say "$registry" 'runs already' ;;
    '')
      docker run --detach --restart=always --name "$registry" \
        --publish "127.0.0.1:$registry_port:5000" --network bridge docker.io/library/registry:3.0.0 >/dev/null
      say "$registry" "made, at localhost:$registry_port"
      ;;
    *)
      docker start "$registry" >/dev/null
      say "$registry" 'started again'
      ;;
  esac
}

ensure_cluster() {
  if kind get clusters 2>/dev/null | grep --quiet --line-regexp "$cluster"; then
    say "$cluster" 'is there already'
    kind export kubeconfig --name "$cluster"
  else
    kind create cluster --config cluster.yaml --wait 120s
  fi
}

# containerd on the node asks for localhost:5001 at the registry's container. In the node itself localhost is the node.
point_nodes_at_registry() {
  local node folder="/etc/containerd/certs.d/localhost:$registry_port"
  for node in $(kind get nodes --name "$cluster"); do
    docker exec "$node" mkdir -p "$folder"
    printf '[host."http://%s:5000"]\n' "$registry" | docker exec --interactive "$node" cp /dev/stdin "$folder/hosts.toml"
  done
}

connect_registry() {
  local connected
  connected=$(docker inspect --format '{{if index .NetworkSettings.Networks "kind"}}yes{{end}}' "$registry")
  [[ $connected == yes ]] || docker network connect kind "$registry"
}

# KEP-1755: how Tilt and other tools learn of the registry.
publish_registry() {
  kubectl --context "$context" apply --server-side --force-conflicts --filename - <<EOF
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-registry-hosting
  namespace: kube-public
data:
  localRegistryHosting.v1: |
    host: "localhost:$registry_port"
    help: "https://kind.sigs.k8s.io/docs/user/local-registry/"
EOF
}

ensure_registry
ensure_cluster
point_nodes_at_registry
connect_registry
publish_registry
say "$cluster" "ready, context $context"
