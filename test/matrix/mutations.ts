/**
 * Each check of the verifier, the guard and the caller chain, with an edit that breaks it and the cells that must see it.
 */

/** One edit of a source file. */
export interface Edit {
  /** From the root of the checkout. */
  readonly file: string;
  /** Must be there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** One broken check. */
export interface Mutation {
  readonly name: string;
  /** More than one where a second lock stands behind the first. */
  readonly edits: readonly Edit[];
  /** The server that is started with it: `echo` has every check but HTTP's. */
  readonly server: 'echo' | 'backend';
  /** Callers or attacks, at least one of whose cells must turn red. */
  readonly seenBy: readonly string[];
}

const TLS = 'packages/spiffe-tls/src';
const AUTHZ = 'packages/authz/src';
const CHAIN = 'packages/caller-chain/src';

type Row = readonly [name: string, file: string, find: string, replace: string, ...seenBy: string[]];

const VERIFIER: readonly Row[] = [
  [
    'one URI SAN',
    `${TLS}/x509-svid-rules.ts`,
    'uri === undefined || more.length > 0',
    'uri === undefined',
    'two URI SANs',
  ],
  ['the ID has a path', `${TLS}/x509-svid-rules.ts`, "if (id.path === '')", 'if (false)', 'ID of a trust domain'],
  ['the leaf is no CA', `${TLS}/x509-svid-rules.ts`, 'if (leaf.isCa)', 'if (false)', 'CA as leaf'],
  ['keyUsage is there', `${TLS}/x509-svid-rules.ts`, '  checkKeyUsage(leaf);', '', 'no keyUsage', 'CA as leaf'],
  [
    'extendedKeyUsage fits',
    `${TLS}/x509-svid-rules.ts`,
    'purposes !== undefined && !purposes.includes(',
    'purposes !== undefined && !true && purposes.includes(',
    'server only',
  ],
  [
    'no unknown critical extension',
    `${TLS}/x509-svid-rules.ts`,
    "if (unknown !== undefined) {\n    throw refusal('CRITICAL",
    "if (false) {\n    throw refusal('CRITICAL",
    'unknown critical',
  ],
  [
    'all rules of a leaf',
    `${TLS}/verify-peer.ts`,
    'checkLeafRules(leaf, input.role === undefined ? [] : [input.role]);',
    '',
    'CA as leaf',
  ],
  [
    'the authorizer is asked',
    `${TLS}/verify-peer.ts`,
    '  checkAuthorized(peer.id, input.authorize);',
    '',
    'rogue',
    'federated, unnamed',
  ],
  [
    "the authorizer's answer counts",
    `${TLS}/verify-peer.ts`,
    'if (expected === undefined) return;',
    'return;',
    'rogue',
  ],
  [
    "the peer's own bundle",
    `${TLS}/verify-peer.ts`,
    'const bundle = bundleFor(id, input);',
    'const bundle = input.bundles.trustDomains().map((each) => input.bundles.get(each)).find((each) => each.withSubject(leaf.issuerKey).length > 0) ?? bundleFor(id, input);',
    "other domain's CA",
  ],
  [
    'a trust domain without a bundle',
    `${TLS}/verify-peer.ts`,
    'const own = bundle?.trustDomain.equals(trustDomain) ? bundle : undefined;',
    'const own = bundle ?? bundles.get(bundles.trustDomains()[0]);',
    'foreign domain',
  ],
  ['notAfter', `${TLS}/certification-path.ts`, 'if (nowMs >= notAfterMs + 1000)', 'if (false)', 'expired'],
  ['notBefore', `${TLS}/certification-path.ts`, 'if (nowMs < notBeforeMs)', 'if (false)', 'not yet valid'],
  [
    'a fault refuses the path',
    `${TLS}/certification-path.ts`,
    'if (problem === undefined) return path;',
    'return path;',
    'expired',
    'not yet valid',
  ],
  [
    'signatures of the path',
    `${TLS}/certification-path.ts`,
    'const valid = issuer.keyVerifiable && cachedSignature(child, issuer);',
    'const valid = true;',
    'CA of our name',
  ],
  [
    'the path ends in the bundle',
    `${TLS}/certification-path.ts`,
    'path.length > 1 && search.bundle.has(last)',
    'path.length > 1',
    'old CA',
  ],
  [
    'a refused socket is destroyed',
    `${TLS}/judge-peer.ts`,
    "socket.destroy(judge.role === 'client' ? error : undefined);",
    '',
    'rogue',
    'none',
  ],
  ['the application protocol', `${TLS}/judge-peer.ts`, 'checkAlpn(socket, judge.alpn);', '', 'no protocol'],
  ['TLS 1.3 alone', `${TLS}/tls-options.ts`, "minVersion: 'TLSv1.3'", "minVersion: 'TLSv1.2'", 'TLS 1.2'],
  [
    'a client certificate is asked for',
    `${TLS}/tls-options.ts`,
    'requestCert: handshake.anonymousClients !== true',
    'requestCert: false',
    'customer',
  ],
];

const GUARD: readonly Row[] = [
  [
    'the handshake asks the grants',
    `${AUTHZ}/spiffe-authorizer.ts`,
    'return peers.has(peerId.toString()) ? undefined : expected(peers);',
    'return undefined;',
    'rogue',
    'federated, unnamed',
  ],
  [
    "the policy's no",
    `${AUTHZ}/authorize-call.ts`,
    "if (outcome.kind === 'decided' && outcome.decision.allow) {",
    "if (outcome.kind === 'decided') {",
    'auditor',
  ],
  [
    'the policy sees the peer',
    `${AUTHZ}/authorize-call.ts`,
    'peer: { spiffe_id: id.toString(),',
    'peer: { spiffe_id: self().toString(),',
    'customer',
  ],
  [
    'a call is refused on the wire',
    `${AUTHZ}/grpc-guard.ts`,
    'if (!verdict.allow) {\n          this.#carrier',
    'if (false) {\n          this.#carrier',
    'auditor',
  ],
  [
    'chains are verified',
    `${AUTHZ}/authorize-call.ts`,
    'if (encoded === undefined) return undefined;',
    'return undefined;',
    'chain replayed',
    'chain other audience',
  ],
  [
    'a chain that fails refuses',
    `${AUTHZ}/authorize-call.ts`,
    "if (outcome.kind === 'chain') return refuseChain(outcome.error, why, decisionId);",
    '',
    'chain replayed',
  ],
];

const HTTP: readonly Row[] = [
  // Over gRPC HTTP/2 joins the two, and no link looks like that.
  [
    'both headers, once',
    `${CHAIN}/encoded-chain.ts`,
    'value !== undefined && values.length === 1',
    'value !== undefined',
    'chain twice',
  ],
  [
    'malformed paths, before the routes',
    `${AUTHZ}/http-guard.ts`,
    'if (parseRequestPath(targetOf(request)) === undefined) serve(',
    'if (false) serve(',
    'path %00',
    'path % cut',
  ],
  [
    'the operation is compared',
    `${AUTHZ}/http-guard.ts`,
    'route === undefined || !matchRoute(route, method, path)',
    'route === undefined',
    'method HEAD',
  ],
  ['the method is compared', `${AUTHZ}/request-path.ts`, 'method !== requestMethod || ', '', 'method HEAD'],
  ['dots', `${AUTHZ}/request-path.ts`, "text === '.' || text === '..' || ", '', 'path %2e', 'path /.'],
  [
    'slashes and control characters',
    `${AUTHZ}/request-path.ts`,
    'FORBIDDEN.test(text)',
    'false',
    'path %2f',
    'path %00',
  ],
  [
    'the form of a path',
    `${AUTHZ}/request-path.ts`,
    '!PATH.test(path) || ',
    '',
    'path absolute form',
    'path backslash',
  ],
  ['a fragment', `${AUTHZ}/request-path.ts`, " || target.includes('#')", '', 'path fragment after a query'],
  ["a route's refusal ends the request", `${AUTHZ}/http-guard.ts`, 'if (!verdict.allow) {', 'if (false) {', 'auditor'],
];

const CALLER_CHAIN: readonly Row[] = [
  ['bytes', `${CHAIN}/encoded-chain.ts`, 'if (bytes > Number(maxBytes))', 'if (false)', 'chain too large'],
  [
    'number of links',
    `${CHAIN}/encoded-chain.ts`,
    'if (links.length > Number(maxLinks))',
    'if (false)',
    'chain too long',
  ],
  ['algorithms', `${CHAIN}/link.ts`, 'if (!isLinkAlgorithm(alg))', 'if (false)', 'chain forged: alg none'],
  ['typ', `${CHAIN}/link.ts`, 'if (typ !== LINK_TYPE)', 'if (false)', 'chain other typ'],
  ['unknown names', `${CHAIN}/link.ts`, 'if (other !== undefined)', 'if (false)', 'chain crit', 'chain unknown claim'],
  [
    'the first link has no prev',
    `${CHAIN}/verify-chain.ts`,
    'if (link.prev !== undefined)',
    'if (false)',
    'chain first with prev',
  ],
  [
    'prev',
    `${CHAIN}/verify-chain.ts`,
    'if (link.prev !== digestOf(before.compact))',
    'if (false)',
    'chain spliced: prev',
  ],
  [
    'iss follows aud',
    `${CHAIN}/verify-chain.ts`,
    'if (!link.iss.equals(before.aud))',
    'if (false)',
    'chain spliced: gap',
  ],
  [
    'one transaction',
    `${CHAIN}/verify-chain.ts`,
    'if (link.txn !== before.txn)',
    'if (false)',
    'chain spliced: transaction',
  ],
  [
    'the last link is the peer’s',
    `${CHAIN}/verify-chain.ts`,
    'if (!last.iss.equals(peerId))',
    'if (false)',
    'chain of another peer',
  ],
  ['the audience', `${CHAIN}/verify-chain.ts`, 'if (!last.aud.equals(ownId))', 'if (false)', 'chain other audience'],
  ['the operation', `${CHAIN}/verify-chain.ts`, 'if (last.act !== act)', 'if (false)', 'chain other operation'],
  [
    'life of a link',
    `${CHAIN}/verify-chain.ts`,
    'expiresMs <= issuedMs || expiresMs - issuedMs > this.#maxLifeMs',
    'false',
    'chain lives too long',
  ],
  [
    'exp',
    `${CHAIN}/verify-chain.ts`,
    'if (nowMs >= expiresMs + this.#leewayMs)',
    'if (false)',
    'chain ended',
    'chain spliced: old origin',
  ],
  ['iat', `${CHAIN}/verify-chain.ts`, 'if (nowMs < issuedMs - this.#leewayMs)', 'if (false)', 'chain not begun'],
  [
    'the signer is iss',
    `${CHAIN}/verify-chain.ts`,
    'if (!signer.id.equals(parsed.iss))',
    'if (false)',
    'chain forged: other iss',
    'chain origin claimed',
  ],
  [
    'the signature',
    `${CHAIN}/verify-chain.ts`,
    'if (!verifyLink({ alg, key: signer.key, signed, signature }))',
    'if (false)',
    'chain forged: changed',
    'chain forged: other key',
  ],
  [
    "the algorithm is the key's",
    `${CHAIN}/link-signature.ts`,
    'if (algorithmOf(key) !== alg) return false;',
    '',
    'chain forged: alg of another key',
  ],
  [
    'certificates of nobody',
    `${CHAIN}/verify-chain.ts`,
    'if (!wanted.has(entry.thumbprint))',
    'if (false)',
    'chain with a certificate of nobody',
  ],
  [
    'the signer’s SVID',
    `${CHAIN}/signers.ts`,
    'const signer = toSigner(() => verifyX509Svid({ chain: sent, bundles, nowMs }));',
    'const signer = unverified(sent);',
    'chain forged: own CA',
    'chain forged: ended',
    'chain forged: old CA',
  ],
  ['replays', `${CHAIN}/replay-store.ts`, "if (this.#seen.has(key)) return 'seen';", '', 'chain replayed'],
  ['links are remembered', `${CHAIN}/replay-store.ts`, 'this.#seen.add(key);', '', 'chain replayed'],
];

/** Checks with a second one behind them: each alone changes nothing that can be seen, both together do. */
const BEHIND_EACH_OTHER: readonly Mutation[] = [
  {
    name: 'a client certificate is required, in both places',
    server: 'echo',
    seenBy: ['none'],
    edits: [
      { file: `${TLS}/judge-peer.ts`, find: 'if (chain.length === 0) {', replace: 'if (false) {' },
      {
        file: `${TLS}/verify-peer.ts`,
        find: "if (leaf === undefined) throw refusal('NO_PEER_CERTIFICATE', AREA, 'the peer must present a certificate', 'none');",
        replace: "if (leaf === undefined) return { id: { toString: () => 'nobody' }, path: [], notAfterMs: Infinity };",
      },
    ],
  },
];

const UNVERIFIED = `
function unverified(chain: Uint8Array[]): Signer {
  const leaf = new X509Certificate(Buffer.from(chain[0] ?? []));
  const id = SpiffeIdClass.parse(String(leaf.subjectAltName).split('URI:')[1]?.split(',')[0] ?? '');
  return { id, key: leaf.publicKey, thumbprint: thumbprintOf(leaf.raw), notAfterMs: Infinity };
}
`;

/** What a replacement needs beside itself. */
const HELPERS: readonly Edit[] = [
  {
    file: `${CHAIN}/signers.ts`,
    find: 'const MAX_REMEMBERED = 1_024;',
    replace: `import { X509Certificate } from 'node:crypto';\nimport { SpiffeId as SpiffeIdClass } from '@countersign/spiffe-tls';\nconst MAX_REMEMBERED = 1_024;\n${UNVERIFIED}`,
  },
];

function mutationOf(server: Mutation['server'], [name, file, find, replace, ...seenBy]: Row): Mutation {
  const helpers = replace.includes('unverified(') ? HELPERS : [];
  return { name, server, seenBy, edits: [{ file, find, replace }, ...helpers] };
}

/** All of them. */
export const MUTATIONS: readonly Mutation[] = [
  ...[...VERIFIER, ...GUARD, ...CALLER_CHAIN].map((row) => mutationOf('echo', row)),
  ...HTTP.map((row) => mutationOf('backend', row)),
  ...BEHIND_EACH_OTHER,
];
