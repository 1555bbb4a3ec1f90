/**
 * Which page of the reference documents what: by the module that declares it.
 */

/** A page of the reference. */
export interface Page {
  /** Name of the file, without its suffix. */
  readonly name: string;
  readonly title: string;
  readonly intro: string;
  /** Modules of src/, without suffix. */
  readonly modules: readonly string[];
}

const SPIFFE_TLS: readonly Page[] = [
  {
    name: 'servers-and-clients',
    title: 'Servers and clients',
    intro: 'TLS for `https`, `http2`, undici, gRPC and `pg`, with what they have in common.',
    modules: [
      'https-server',
      'https-agent',
      'http2-server',
      'http2-client',
      'undici-agent',
      'grpc-server',
      'grpc-channel',
      'grpc-call',
      'pg-pool',
      'pg-pool-generation',
      'spiffe-tls-options',
      'live-connections',
      'web-certificate',
      'tls-identity',
    ],
  },
  {
    name: 'verification',
    title: 'Who the peer is',
    intro: 'Authorizers, the verified peer, the verifier itself, and what is reported about refusals.',
    modules: ['authorizers', 'peer', 'peer-of', 'verify-peer', 'x509-svid-rules', 'refusal', 'errors'],
  },
  {
    name: 'sources',
    title: 'Where the own identity comes from',
    intro: 'Sources of X.509-SVIDs and bundles: the Workload API, files, or fixed.',
    modules: [
      'x509-source',
      'workload-api-source',
      'workload-api-bundle-source',
      'file-source',
      'x509-file-layout',
      'static-source',
      'fetch-x509-context',
      'x509-context',
      'source-lifecycle',
      'source-events',
      'workload-api-client',
      'workload-endpoint',
      'backoff',
      'clock',
    ],
  },
  {
    name: 'identities',
    title: 'SPIFFE IDs, certificates and X.509-SVIDs',
    intro: 'The values everything else is about.',
    modules: ['spiffe-id', 'trust-domain', 'x509-svid', 'certificate', 'certificate-extensions', 'pem'],
  },
  {
    name: 'jwt-svids',
    title: 'JWT-SVIDs',
    intro: 'Fetching, sending and validating JWT-SVIDs, and the bundles that they are validated against.',
    modules: [
      'workload-api-jwt-source',
      'workload-api-jwt-bundle-source',
      'fetch-jwt-svid',
      'base64',
      'bearer',
      'jwt-svid',
      'delegated-jwt-validation',
      'jwt-bundle',
      'jwt-algorithm',
    ],
  },
  {
    name: 'bundles-and-federation',
    title: 'Bundles and federation',
    intro: 'What a trust domain publishes, how it is read and kept current, and how it is served.',
    modules: [
      'x509-bundle',
      'bundle-document',
      'bundle-map',
      'strict-json',
      'bundle-federation',
      'federated-endpoint',
      'federated-source',
      'fetch-bundle',
      'bundle-endpoint',
      'bundle-endpoint-tls',
    ],
  },
];

const DEV_TRUST_DOMAIN: readonly Page[] = [
  {
    name: 'trust-domain',
    title: 'A trust domain for development',
    intro: 'Starting one, in process, and the client of the control socket of one that runs elsewhere.',
    modules: ['dev-trust-domain', 'options', 'registration', 'control', 'control-client', 'errors'],
  },
  {
    name: 'authorities-and-calls',
    title: 'Authorities, faults and records',
    intro: 'What can be asked of, and done to, a trust domain that runs.',
    modules: [
      'status',
      'faults',
      'calls',
      'federation',
      'endpoint-federation',
      'bundle-endpoint',
      'certificate-authority',
      'jwt-authority',
      'oidc-discovery',
      'tcp-listener',
    ],
  },
];

/** The packages that have a reference. */
export const PACKAGES: Readonly<Record<string, readonly Page[]>> = {
  'spiffe-tls': SPIFFE_TLS,
  'dev-trust-domain': DEV_TRUST_DOMAIN,
};
