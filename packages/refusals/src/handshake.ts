/**
 * Refusals of a connection: right after the TLS handshake, before HTTP or gRPC sees a byte. The same rows hold for both
 * roles: a server that refuses a client, and a client that refuses a server. PostgreSQL's own refusals are told alike.
 */
import type { RefusalRow, RefusalTable } from './refusal-row.ts';

const CLOSED = { connection: 'a closed connection, no alert', grpc: 'UNAVAILABLE' };
const ISSUER = 'Ask who issued it, with `openssl x509 -text` of it at hand.';

const certificate = (rule: string, remedy: string): RefusalRow => ({
  rule,
  sees: CLOSED,
  expected: 'the rule',
  got: 'what the certificate has',
  remedy,
});

const connection = (rule: string, expected: string, got: string, remedy: string): RefusalRow => ({
  rule,
  sees: CLOSED,
  expected,
  got,
  remedy,
});

const own = (rule: string, remedy: string): RefusalRow => ({ rule, sees: CLOSED, remedy });

/** The peer's certificates break a rule of X.509-SVIDs. */
const CERTIFICATES = {
  CERTIFICATE_MALFORMED: certificate('every certificate of the chain is DER that can be read whole', ISSUER),
  CERTIFICATE_TOO_LARGE: certificate('a certificate or chain has at most 64 KiB', 'Issue smaller certificates.'),
  CHAIN_TOO_LONG: certificate('a chain has at most 10 certificates', 'The peer sends its leaf and intermediates only.'),
  URI_SAN_COUNT: certificate(
    'the leaf has exactly one URI SAN',
    'One SPIFFE ID a certificate: a peer that needs two identities needs two certificates.',
  ),
  URI_SAN_INVALID: certificate("the leaf's URI SAN is a SPIFFE ID", ISSUER),
  SVID_PATH_EMPTY: certificate("the leaf's SPIFFE ID has a path", 'Register the workload with a path of its own.'),
  SVID_IS_CA: certificate('the leaf is no CA', 'The peer presents a signing certificate: give it a leaf.'),
  KEY_USAGE: certificate('each certificate may be used for what it is used for', ISSUER),
  EXTENDED_KEY_USAGE: certificate(
    'the leaf may act in the role in which it acts',
    'Issue it with both `serverAuth` and `clientAuth`.',
  ),
  CRITICAL_EXTENSION_UNKNOWN: certificate('every critical extension is understood', 'Issue it without that extension.'),
  WEAK_KEY_OR_SIGNATURE: certificate(
    'keys and signatures are strong enough',
    'Use EC P-256, P-384, Ed25519 or RSA 2048 and SHA-2.',
  ),
  NAME_CONSTRAINT: certificate('each CA of the path may issue this name', 'Issue it under a CA that may.'),
} as const satisfies RefusalTable;

/** The peer's certificates are well formed, but not valid here or now. */
const TRUST = {
  NOT_YET_VALID: connection(
    'every certificate of the path is valid already',
    'the certificate that is not, and since when it would be',
    'the time here',
    'Compare the two clocks: `npm run doctor` shows how far this one is off.',
  ),
  EXPIRED: connection(
    'every certificate of the path is still valid',
    'the certificate that is not, and until when it was',
    'the time here',
    'The refused side no longer gets fresh SVIDs, or the clocks differ: run `npm run doctor` there, and look for `event: identity` in its log.',
  ),
  TRUST_DOMAIN_NOT_ALLOWED: connection(
    "the peer's trust domain is on the list of allowed ones",
    'the list',
    "the peer's trust domain",
    'Add it to `trustDomains` if it should be there; a bundle alone lets nobody in.',
  ),
  NO_BUNDLE: connection(
    "there is a bundle for the peer's trust domain",
    'the trust domains that have one',
    "the peer's trust domain",
    'Federate with that trust domain: `federatesWith` of the registration. `npm run doctor` lists the bundles that arrived.',
  ),
  UNTRUSTED_CHAIN: connection(
    "a path leads from the leaf to the bundle of the peer's own trust domain",
    'such a path',
    'the leaf and its issuer',
    'Does the peer send its intermediates? Was its CA just replaced? Two trust domains of one name have different CAs: compare `npm run inspect` of both sides.',
  ),
} as const satisfies RefusalTable;

/** The connection itself, or who the peer is. */
const PEERS = {
  NO_PEER_CERTIFICATE: {
    ...connection(
      'the peer presents an X.509-SVID',
      'an X.509-SVID',
      'no certificate',
      'Call with an identity of your own. Browsers, `curl` and health checks have none: use the health port, or the customer.',
    ),
    reasons: {
      'postgres: hostssl ... cert': {
        rule: 'whoever logs in presents a client certificate',
        remedy: 'Connect with the SVID of a workload that has a role in identities.json; no password exists.',
      },
    },
  },
  SESSION_RESUMED: connection(
    'every connection does a full handshake',
    'a full handshake',
    'a resumed session',
    'Take out the session cache or the proxy that keeps sessions.',
  ),
  ALPN_MISMATCH: connection(
    'both sides agree on the protocol above TLS',
    'the protocol',
    'what was agreed on',
    'Is something else listening there? HTTPS and gRPC have different ports.',
  ),
  PEER_NOT_AUTHORIZED: {
    ...connection(
      'the peer is one of those who may be here',
      'who may',
      'the SPIFFE ID that was proven',
      'If it should be allowed, add its call in identities.json and run `npm run generate`; if the server was refused, the address leads to somebody else, or its expected ID (`..._SPIFFE_ID`) is wrong.',
    ),
    reasons: {
      'postgres: pg_ident gives a role to named identities alone': {
        rule: 'the certificate has the name that pg_ident gives to this role',
        remedy:
          "Compare the SVID's first DNS name with pg_ident.conf: `npm run doctor` does. A role is given by `postgresRole` in identities.json.",
      },
      'postgres: pg_hba has no line for this': {
        rule: 'pg_hba.conf has a line for this role, database and kind of connection',
        remedy: 'Log in over TLS with a role of identities.json, to its database. The superuser has no way in.',
      },
    },
  },
  NOT_VERIFIED: connection(
    'the handshake succeeds, with TLS 1.3, and the peer can be verified',
    'such a handshake',
    'how it failed',
    'See `message`: no TLS at all, TLS 1.2, or a proxy in between that ends TLS. If the peer refused us, only its own log says why.',
  ),
} as const satisfies RefusalTable;

/** This side has no identity to judge with. */
const OWN_IDENTITY = {
  SOURCE_NOT_READY: own(
    'this side has an identity',
    'No identity came yet: `npm run doctor`, and `/readyz` of the service.',
  ),
  SOURCE_TIMEOUT: own(
    'an identity comes in time',
    'The Workload API does not answer, or has no entry: `npm run doctor`.',
  ),
  SOURCE_CLOSED: own('the identity source is open', 'The process was stopping: try again.'),
  IDENTITY_WITHDRAWN: own(
    'the identity was not taken back',
    'Register the workload again (`npm run trust-domain -- status` lists all); the service notices by itself.',
  ),
} as const satisfies RefusalTable;

/** All refusals of a connection. */
export const HANDSHAKE = { ...CERTIFICATES, ...TRUST, ...PEERS, ...OWN_IDENTITY } as const satisfies RefusalTable;
