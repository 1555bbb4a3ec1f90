# shellcheck shell=bash
# Volumes. kind has a provisioner that makes a folder for each claim; here the folders are made beforehand, and the default
# class has the same name and the same way of binding. Sourced by init.sh.

offer_volumes() {
  kubectl apply --server-side --filename - >/dev/null <<'YAML'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
YAML
  local number
  for number in {1..6}; do offer_volume "$number"; done | kubectl apply --server-side --filename - >/dev/null
}

# Writable for every user, as kind's are: a hostPath volume is not handed to a pod's fsGroup.
offer_volume() {
  local folder=$STATE/node/volumes/$1
  mkdir -p "$folder"
  chmod 777 "$folder"
  cat <<YAML
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: volume-$1}
spec:
  storageClassName: standard
  capacity: {storage: 2Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: $folder, type: Directory}
YAML
}
