# shellcheck shell=bash
# etcd, API server, controller manager and scheduler as plain processes, with the settings that kubeadm would give them.
# Sourced by init.sh, which brings `start`.

start_api_server() {
  # Nothing of this database outlives the node, so it need not reach the disk at once.
  start etcd etcd --name "$NODE_NAME" --data-dir "$STATE/node/etcd" --unsafe-no-fsync --log-level warn
  start kube-apiserver kube-apiserver \
    --etcd-servers=http://127.0.0.1:2379 \
    --bind-address=0.0.0.0 --advertise-address="$NODE_IP" --secure-port=6443 \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
    --service-cluster-ip-range="$SERVICE_SUBNET" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$PKI/sa.pub" --service-account-signing-key-file="$PKI/sa.key" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --kubelet-client-certificate="$PKI/apiserver-kubelet-client.crt" \
    --kubelet-client-key="$PKI/apiserver-kubelet-client.key" \
    --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group \
    --requestheader-username-headers=X-Remote-User \
    --proxy-client-cert-file="$PKI/front-proxy-client.crt" --proxy-client-key-file="$PKI/front-proxy-client.key"
  until_succeeds 300 kubectl get --raw /readyz
}

start_controllers() {
  local user=$STATE/kubeconfig/controller-manager.conf
  start kube-controller-manager kube-controller-manager \
    --kubeconfig="$user" --authentication-kubeconfig="$user" --authorization-kubeconfig="$user" \
    --bind-address=127.0.0.1 --leader-elect=false --use-service-account-credentials=true \
    --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/sa.key" \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key"
  user=$STATE/kubeconfig/scheduler.conf
  start kube-scheduler kube-scheduler \
    --kubeconfig="$user" --authentication-kubeconfig="$user" --authorization-kubeconfig="$user" \
    --bind-address=127.0.0.1 --leader-elect=false
  until_succeeds 120 kubectl --namespace default get serviceaccount default
}
