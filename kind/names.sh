# shellcheck shell=bash
# Read by the scripts beside it: names that Docker, kind and Tilt know the cluster by.
# shellcheck disable=SC2034
readonly cluster=countersign
# shellcheck disable=SC2034
readonly context="kind-$cluster"
# shellcheck disable=SC2034
readonly registry="$cluster-registry"
# shellcheck disable=SC2034
readonly registry_port=5001
