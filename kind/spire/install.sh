#!/usr/bin/env bash
# SPIRE by its chart. `install.sh crds` puts the resource types in, `install.sh spire` server, controller manager, agent and
# CSI driver with the identities; without a word both. Idempotent: helm upgrades what is there. Needs helm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=../names.sh
. ../names.sh

repository=https://spiffe.github.io/helm-charts-hardened/
namespace=spire-mgmt

upgrade() {
  helm --kube-context "$context" upgrade --install --namespace "$namespace" --create-namespace --repo "$repository" --wait "$@"
}

crds() { upgrade --version 0.6.0 spire-crds spire-crds; }

# The identities are values of the chart: it makes them while its webhook lets them through, so that there is no race with it.
spire() { upgrade --version 0.30.0 --timeout 10m --values values.yaml --values identities.yaml spire spire; }

case "${1:-all}" in
  crds) crds ;;
  spire) spire ;;
  all) crds && spire ;;
  *)
    printf 'usage: install.sh [crds | spire], got %q\n' "$1" >&2
    exit 2
    ;;
esac
