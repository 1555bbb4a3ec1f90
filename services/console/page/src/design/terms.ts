/**
 * The one place that says what a technical word means, for a reader who meets it for the first time. Two sentences at most:
 * what it is, and why it matters on this page.
 */
export const terms = {
  'spiffe-id': {
    word: 'SPIFFE ID',
    means:
      'The name of a program, written like a web address: spiffe:// then who vouches for it, then its path. A program can’t choose its own; it is given one, with a certificate that proves it.',
  },
  svid: {
    word: 'SVID',
    means:
      'The document that proves a SPIFFE ID. Here it is a certificate that carries the ID and is good for an hour or less, so that a stolen one is soon worthless.',
  },
  'trust-domain': {
    word: 'trust domain',
    means:
      'All the programs that one authority vouches for, such as one company or one environment. Its name is the first part of every SPIFFE ID.',
  },
  'trust-bundle': {
    word: 'trust bundle',
    means:
      'The authority’s public certificates. A program holds its trust domain’s bundle to check whether a certificate that it is shown really comes from there.',
  },
  mtls: {
    word: 'mTLS',
    means:
      'An encrypted connection on which both sides show a certificate, not the server alone. Each knows who the other one is before the first byte of a request.',
  },
  handshake: {
    word: 'handshake',
    means:
      'How an encrypted connection begins: both sides show and check certificates. Who is refused here never gets to send a request.',
  },
  rotation: {
    word: 'rotation',
    means:
      'A new certificate takes the place of the old one, long before that one expires, while calls go on. The serial number changes; the SPIFFE ID stays.',
  },
  ca: {
    word: 'CA',
    means:
      'Certificate authority: what signs the certificates of a trust domain. Everyone who trusts it trusts what it signed.',
  },
  serial: {
    word: 'serial number',
    means: 'The number of one certificate. It changes with each rotation, so that you can see that one took place.',
  },
  'caller-chain': {
    word: 'caller chain',
    means:
      'Each service signs what it passes on, below the signature of the one before. The last one can check the whole path, and who it began with.',
  },
  origin: {
    word: 'origin',
    means: 'The first service of a caller chain: on whose behalf the whole call is made.',
  },
  policy: {
    word: 'policy',
    means:
      'The rules that say who may do what. Each service asks them for each request, in its own process; without a rule that allows it, the answer is no.',
  },
  grant: {
    word: 'grant',
    means: 'One line of the policy: this caller may use this operation of this service.',
  },
  rule: {
    word: 'rule',
    means: 'The part of the policy, or the check before it, that settled the matter.',
  },
  decision: {
    word: 'decision',
    means:
      'The policy’s answer to one request, kept with what it was asked, so that it can be looked up by its number later.',
  },
  trace: {
    word: 'trace',
    means: 'The record of one request through all services, put together from what each of them reports.',
  },
  span: {
    word: 'span',
    means: 'One step of a trace: who did what, when it began and how long it took.',
  },
  federation: {
    word: 'federation',
    means:
      'Two trust domains exchange bundles, so that each can check the other’s certificates. It makes callers known; whether they may do anything is still the policy’s matter.',
  },
  'workload-api': {
    word: 'Workload API',
    means:
      'Where a program gets its identity: a local socket. Nobody puts a password or a key file on the machine; the socket knows who is asking.',
  },
  workload: {
    word: 'workload',
    means: 'A running program that has, or wants, an identity of its own.',
  },
  rogue: {
    word: 'rogue',
    means:
      'The same program as a real service, with a valid certificate of the same authority, but under a name that nobody has granted anything.',
  },
  percentile: {
    word: 'p50 and p95',
    means: 'Half of the calls took no longer than p50; nineteen of twenty took no longer than p95.',
  },
  withdrawn: {
    word: 'withdrawn',
    means:
      'The authority no longer vouches for the program: it gets no new certificate, and stops presenting the old one.',
  },
  jwt: {
    word: 'JWT keys',
    means: 'Public keys to check signed tokens with, for places where no certificate can be shown.',
  },
  san: {
    word: 'SAN',
    means: 'Subject alternative name: the field of a certificate that carries the SPIFFE ID.',
  },
  fingerprint: {
    word: 'fingerprint',
    means:
      'A short number reckoned from the whole certificate: two with the same fingerprint are the same certificate.',
  },
  otlp: {
    word: 'telemetry',
    means:
      'What services report about their work. All that this page shows comes from it; no service knows of the page.',
  },
} as const satisfies Record<string, { readonly word: string; readonly means: string }>;

export type TermId = keyof typeof terms;
