#!/usr/bin/env bash
# What helps to understand a failure, run by enter.sh inside the node: pods, events, logs of those that are not ready, and the
# ends of the node's own logs.
set -uo pipefail
section() { printf '\n--- %s\n' "$*"; }

section pods
kubectl get pods --all-namespaces --output wide
section 'events that warn, latest last'
kubectl get events --all-namespaces --field-selector type=Warning --sort-by .lastTimestamp | tail -n 30

# A pod that has completed is done, not unready.
# shellcheck disable=SC2016 # jq's own variables
unready='.items[] | select(.status.phase != "Succeeded")
  | select([.status.containerStatuses[]?.ready, .status.initContainerStatuses[]?.ready] | length == 0 or all | not)
  | [.metadata.namespace, .metadata.name] | @tsv'
kubectl get pods --all-namespaces --output json | jq -r "$unready" | while read -r namespace pod; do
  section "$namespace/$pod: conditions"
  kubectl --namespace "$namespace" get pod "$pod" --output json |
    jq -r '.status | (.conditions[]? | select(.status != "True") | "\(.type): \(.reason) \(.message)"),
      ((.initContainerStatuses[]?, .containerStatuses[]?) | select(.ready | not) | "\(.name): \(.state)")'
  section "$namespace/$pod: logs"
  kubectl --namespace "$namespace" logs "$pod" --all-containers --prefix --tail 30
done

for log in kubelet containerd network-policies; do
  section "$log, last lines"
  tail -n 15 "$STATE/log/$log.log"
done
