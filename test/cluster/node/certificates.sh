# shellcheck shell=bash
# The cluster's own PKI, as kubeadm makes it: one CA, one for the aggregation layer, a certificate for each component, and
# kubeconfig files. Nothing of it has to do with the workloads' identities. Sourced by init.sh.

make_certificates() {
  mkdir -p "$PKI" "$STATE/kubeconfig"
  chmod 700 "$PKI" "$STATE/kubeconfig"
  make_ca ca kubernetes
  make_ca front-proxy-ca front-proxy-ca
  openssl genrsa -out "$PKI/sa.key" 2048 2>/dev/null
  openssl rsa -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub" 2>/dev/null

  make_certificate apiserver ca /CN=kube-apiserver serverAuth \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:$API_SERVICE_IP,IP:$NODE_IP"
  make_certificate kubelet-serving ca "/O=system:nodes/CN=system:node:$NODE_NAME" serverAuth "DNS:$NODE_NAME,IP:127.0.0.1,IP:$NODE_IP"
  make_certificate front-proxy-client front-proxy-ca /CN=front-proxy-client clientAuth
  make_certificate apiserver-kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth

  make_user admin /O=system:masters/CN=admin
  make_user controller-manager /CN=system:kube-controller-manager
  make_user scheduler /CN=system:kube-scheduler
  make_user kubelet "/O=system:nodes/CN=system:node:$NODE_NAME"
  make_user kube-proxy /CN=system:kube-proxy
  make_user network-policies /CN=network-policies
}

make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key"; }

# NAME COMMON-NAME
make_ca() {
  make_key "$1"
  openssl req -x509 -new -key "$PKI/$1.key" -subj "/CN=$2" -days 30 -out "$PKI/$1.crt" \
    -addext keyUsage=critical,keyCertSign,cRLSign
}

# NAME CA SUBJECT USAGE [ALTERNATIVE-NAMES]
make_certificate() {
  make_key "$1"
  local extensions="keyUsage=critical,digitalSignature
extendedKeyUsage=$4"
  [[ -z ${5:-} ]] || extensions+="
subjectAltName=$5"
  openssl req -new -key "$PKI/$1.key" -subj "$3" |
    openssl x509 -req -CA "$PKI/$2.crt" -CAkey "$PKI/$2.key" -CAcreateserial -days 30 \
      -extfile <(echo "$extensions") -out "$PKI/$1.crt" 2>/dev/null
}

# NAME SUBJECT: a client certificate, and the kubeconfig that uses it
make_user() {
  make_certificate "$1" ca "$2" clientAuth
  cat >"$STATE/kubeconfig/$1.conf" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: $CONTEXT, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $PKI/ca.crt}}]
users: [{name: $1, user: {client-certificate: $PKI/$1.crt, client-key: $PKI/$1.key}}]
contexts: [{name: $CONTEXT, context: {cluster: $CONTEXT, user: $1}}]
current-context: $CONTEXT
YAML
}
