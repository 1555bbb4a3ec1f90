#!/usr/bin/env bash
# Stands in for kind/spire/install.sh where the Helm charts can't be fetched: install.sh [crds | spire], none is both. It applies
# the same custom resource definitions, manifests of ours, and configuration and identities that derive from the very Helm
# values that the charts would get.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../node/settings.sh"
values=("$here/../../../kind/spire/values.yaml" "$here/../../../kind/spire/identities.yaml")

apply() { kubectl --context "$CONTEXT" apply --server-side --filename "$@" >/dev/null; }
render() { node "$here/render.ts" "$1" "${values[@]}"; }

install_crds() {
  apply "$STATE/crds/"
  kubectl --context "$CONTEXT" wait --for=condition=Established --timeout=60s --filename "$STATE/crds/" >/dev/null
}

install_spire() {
  apply "$here/manifests/namespaces.yaml"
  render configuration | apply -
  apply "$here/manifests"
  local resource
  for resource in spire-server/statefulset/spire-server spire-system/daemonset/spire-agent spire-system/daemonset/spire-spiffe-csi-driver; do
    kubectl --context "$CONTEXT" --namespace "${resource%%/*}" rollout status "${resource#*/}" --timeout=180s
  done
  # Ready does not mean that the webhook answers; it is what accepts them.
  render identities >"$STATE/tmp/identities.json"
  until_succeeds 60 kubectl --context "$CONTEXT" apply --server-side --filename "$STATE/tmp/identities.json"
  kubectl --context "$CONTEXT" get clusterspiffeids --output name
}

case ${1:-both} in
  crds) install_crds ;;
  spire) install_spire ;;
  both)
    install_crds
    install_spire
    ;;
  *)
    echo "install: knows crds and spire, got \"$1\"" >&2
    exit 2
    ;;
esac
