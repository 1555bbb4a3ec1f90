/**
 * Refusals, each with its exact code: chains of two whose one part is wrong. The table is the specification's list of
 * checks (docs/reference/caller-chain.md).
 */
import assert from 'node:assert/strict';
import { createHmac, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { createTestCa } from '@countersign/testkit';
import {
  encode,
  encoded,
  entryOf,
  type LinkChange,
  linkOf,
  NOW,
  NOW_MS,
  partyOf,
  randomId,
  sha256,
  signEs256,
} from '../test/chain-fixture.ts';
import {
  CallerChainError,
  type CallerChainErrorCode,
  chainIn,
  createChainSigner,
  createChainVerifier,
  type EncodedChain,
} from './index.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const foreignCa = await createTestCa({ trustDomain: 'example.net' });
const unknownCa = await createTestCa({ trustDomain: 'example.com' });
const impostorCa = await createTestCa({ trustDomain: 'example.org' });
const [origin, middle, store] = [
  await partyOf(ca, { path: '/origin' }),
  await partyOf(ca, { path: '/middle' }, [foreignCa]),
  await partyOf(ca, { path: '/store' }, [foreignCa]),
];
const stranger = await partyOf(ca, { path: '/stranger' });
const foreign = await partyOf(foreignCa, { path: '/origin' });
const unknown = await partyOf(unknownCa, { path: '/origin' });
const impostor = await partyOf(impostorCa, { path: '/origin' });
const minted = await partyOf(await foreignCa.intermediate({ trustDomain: 'example.org' }), { path: '/origin' });
const expired = await ca.issue({
  path: '/origin',
  notBefore: new Date(NOW_MS - 7_200_000),
  notAfter: new Date(NOW_MS - 1_000),
});
const outdated = { ...origin, svid: expired.svid(), entry: entryOf(expired.chain), thumbprint: sha256(expired.der) };

const ACT = '/example.Store/Put';
const CALL = { peerId: middle.svid.id, ownId: store.svid.id, act: ACT };
const BODY = sha256('a body');

interface Parts {
  readonly first?: object;
  readonly firstChange?: LinkChange;
  readonly firstSigner?: typeof origin;
  readonly second?: object;
  readonly secondChange?: LinkChange;
  readonly entries?: readonly string[];
}

/** A chain of two: proper, but for what is asked. */
function chainOf(parts: Parts = {}): EncodedChain {
  const [signer, txn] = [parts.firstSigner ?? origin, randomId()];
  const first = linkOf(
    signer,
    { aud: `${middle.svid.id}`, act: 'POST /orders', txn, ...parts.first },
    parts.firstChange,
  );
  const claims = { aud: `${store.svid.id}`, act: ACT, txn, prev: sha256(first), ...parts.second };
  const second = linkOf(middle, claims, parts.secondChange);
  return encoded([first, second], parts.entries ?? [signer.entry, middle.entry]);
}

function verifierAt(nowMs = NOW_MS) {
  return createChainVerifier({ source: store.source, now: () => nowMs });
}

function hasCode(code: CallerChainErrorCode) {
  return (error: unknown) => {
    assert.ok(error instanceof CallerChainError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  };
}

const text = ({ chain }: EncodedChain) => chain.split(',') as [string, string];
const splice = (change: (links: [string, string]) => readonly string[]): EncodedChain => {
  const chain = chainOf();
  return { ...chain, chain: change(text(chain)).join(',') };
};
const header = (extra: object): LinkChange => ({ header: extra });
const claims = (extra: object): LinkChange => ({ claims: extra });
const alone = linkOf(middle, { aud: `${store.svid.id}`, act: ACT, txn: randomId() });
/** A proper header, with text put in before its end. */
const rawHeader = (more: string) => `{"alg":"ES256","typ":"caller-link+jws","x5t#S256":"${middle.thumbprint}"${more}}`;

type Row = readonly [name: string, code: CallerChainErrorCode, chain: () => EncodedChain];

const malformed: readonly (readonly [name: string, chain: () => EncodedChain])[] = [
  ['nothing', () => ({ chain: '', certs: '' })],
  ['no certificates', () => ({ ...chainOf(), certs: '' })],
  ['a space after the comma', () => splice(([a, b]) => [a, ` ${b}`])],
  ['a comma at the end', () => splice(([a, b]) => [a, b, ''])],
  ['two parts', () => splice(([a, b]) => [a, b.split('.').slice(0, 2).join('.')])],
  ['four parts', () => splice(([a, b]) => [a, `${b}.AA`])],
  ['padding', () => splice(([a, b]) => [a, `${b}==`])],
  ['another alphabet', () => splice(([a, b]) => [a, `${b.slice(0, -2)}+/`])],
  ['no signature', () => splice(([a, b]) => [a, b.replace(/\.[^.]*$/, '.')])],
  ['alg none', () => chainOf({ secondChange: header({ alg: 'none' }) })],
  ['alg HS256', () => chainOf({ secondChange: header({ alg: 'HS256' }) })],
  ['alg PS256', () => chainOf({ secondChange: header({ alg: 'PS256' }) })],
  ['alg of a prototype', () => chainOf({ secondChange: header({ alg: 'constructor' }) })],
  ['no alg', () => chainOf({ secondChange: header({ alg: undefined }) })],
  ['typ JWT', () => chainOf({ secondChange: header({ typ: 'JWT' }) })],
  ['typ in capitals', () => chainOf({ secondChange: header({ typ: 'Caller-Link+JWS' }) })],
  ['typ with application/', () => chainOf({ secondChange: header({ typ: 'application/caller-link+jws' }) })],
  ['no typ', () => chainOf({ secondChange: header({ typ: undefined }) })],
  ['crit', () => chainOf({ secondChange: header({ crit: ['exp'] }) })],
  ['b64', () => chainOf({ secondChange: header({ b64: true }) })],
  ['jwk', () => chainOf({ secondChange: header({ jwk: middle.svid.leaf.x509.publicKey.export({ format: 'jwk' }) }) })],
  ['x5c', () => chainOf({ secondChange: header({ x5c: [] }) })],
  ['kid', () => chainOf({ secondChange: header({ kid: 'a' }) })],
  ['no thumbprint', () => chainOf({ secondChange: header({ 'x5t#S256': undefined }) })],
  ['a repeated header', () => chainOf({ secondChange: { header: rawHeader(',"alg":"ES256"') } })],
  ['a repeated header, escaped', () => chainOf({ secondChange: { header: rawHeader(',"\\u0061lg":"ES256"') } })],
  ['a header with a byte order mark', () => chainOf({ secondChange: { header: `\uFEFF${rawHeader('')}` } })],
  ['a header that is a list', () => chainOf({ secondChange: { header: '[]' } })],
  ['a payload that is no JSON', () => chainOf({ secondChange: { claims: '{' } })],
  ['a repeated claim', () => chainOf({ secondChange: { claims: '{"iss":"a","iss":"b"}' } })],
  ['an unknown claim', () => chainOf({ second: { sub: 'a' } })],
  ['__proto__ as a claim', () => chainOf({ secondChange: { claims: '{"__proto__":{}}' } })],
  ['iss that is no SPIFFE ID', () => chainOf({ secondChange: claims({ iss: 'https://example.org' }) })],
  ['aud that is a list', () => chainOf({ second: { aud: [`${store.svid.id}`] } })],
  ['no act', () => chainOf({ second: { act: undefined } })],
  ['act with a line break', () => chainOf({ second: { act: 'POST /a\nb' } })],
  ['act beyond 2048 characters', () => chainOf({ second: { act: `/${'a'.repeat(2_048)}` } })],
  ['txn of 64 bits', () => chainOf({ second: { txn: 'AAAAAAAAAAA' } })],
  ['txn with bits beyond the 128', () => chainOf({ second: { txn: `${'A'.repeat(21)}B` } })],
  ['no jti', () => chainOf({ second: { jti: undefined } })],
  ['iat as text', () => chainOf({ second: { iat: `${NOW}` } })],
  ['iat with a fraction', () => chainOf({ second: { iat: NOW + 0.5 } })],
  ['no exp', () => chainOf({ second: { exp: undefined } })],
  ['exp beyond the year 9999', () => chainOf({ second: { exp: 1e15 } })],
  ['prev null', () => chainOf({ second: { prev: null } })],
  ['prev of 20 bytes', () => chainOf({ second: { prev: 'A'.repeat(27) } })],
  ['bodyDigest that is no digest', () => chainOf({ second: { bodyDigest: 'A' } })],
  ['a certificate missing', () => chainOf({ entries: [origin.entry] })],
  ['a certificate of nobody in its place', () => chainOf({ entries: [origin.entry, stranger.entry] })],
  ['a certificate twice', () => chainOf({ entries: [origin.entry, origin.entry] })],
  ['a certificate of nobody beside', () => chainOf({ entries: [origin.entry, middle.entry, stranger.entry] })],
  ['certificates in standard base64', () => chainOf({ entries: [`${origin.entry}=`, middle.entry] })],
  ['a certificate twice, in a chain of one signer', () => ofOneSigner(middle.entry, middle.entry)],
  ['a certificate of nobody, in a chain of one signer', () => ofOneSigner(middle.entry, stranger.entry)],
  ['an empty certificate', () => chainOf({ entries: [`${origin.entry}.`, middle.entry] })],
];

const others: readonly Row[] = [
  ['five links', 'CHAIN_TOO_LARGE', () => splice(([a, b]) => [a, b, b, b, b])],
  ['more than 12 KiB', 'CHAIN_TOO_LARGE', () => ({ chain: 'a'.repeat(12_288), certs: 'a' })],
  ['the first link left out', 'CHAIN_BROKEN', () => ({ ...splice(([, b]) => [b]), certs: middle.entry })],
  ['the links in another order', 'CHAIN_BROKEN', () => splice(([a, b]) => [b, a])],
  ['the first link twice', 'CHAIN_BROKEN', () => splice(([a, b]) => [a, a, b])],
  ['the last link twice', 'CHAIN_BROKEN', () => splice(([a, b]) => [a, b, b])],
  ['the first link of another chain', 'CHAIN_BROKEN', () => splice(([, b]) => [text(chainOf())[0], b])],
  ['no prev', 'CHAIN_BROKEN', () => chainOf({ second: { prev: undefined } })],
  ['prev in the first link', 'CHAIN_BROKEN', () => chainOf({ first: { prev: sha256('a') } })],
  ['another txn', 'CHAIN_BROKEN', () => chainOf({ second: { txn: randomId() } })],
  ['a first link for another', 'CHAIN_BROKEN', () => chainOf({ first: { aud: `${stranger.svid.id}` } })],
  ['the first link alone', 'CHAIN_PEER_MISMATCH', () => ({ ...splice(([a]) => [a]), certs: origin.entry })],
  ['another audience', 'CHAIN_AUDIENCE_MISMATCH', () => chainOf({ second: { aud: `${stranger.svid.id}` } })],
  ['another operation', 'CHAIN_ACT_MISMATCH', () => chainOf({ second: { act: '/example.Store/Get' } })],
  ['an operation in capitals', 'CHAIN_ACT_MISMATCH', () => chainOf({ second: { act: ACT.toUpperCase() } })],
  ['a last link that is over', 'CHAIN_EXPIRED', () => chainOf({ second: { iat: NOW - 35, exp: NOW - 5 } })],
  ['a first link that is over', 'CHAIN_EXPIRED', () => chainOf({ first: { iat: NOW - 35, exp: NOW - 5 } })],
  ['a link of the future', 'CHAIN_EXPIRED', () => chainOf({ second: { iat: NOW + 6 } })],
  ['a link that lives for 61 s', 'CHAIN_EXPIRED', () => chainOf({ second: { exp: NOW + 61 } })],
  ['a link that ends as it begins', 'CHAIN_EXPIRED', () => chainOf({ second: { exp: NOW } })],
  [
    'a signature in DER',
    'CHAIN_SIGNATURE_INVALID',
    () => chainOf({ secondChange: { sign: (signed, key) => sign('sha256', Buffer.from(signed), key) } }),
  ],
  [
    'a signature with a byte more',
    'CHAIN_SIGNATURE_INVALID',
    () => chainOf({ secondChange: { sign: (data, key) => Buffer.concat([signEs256(data, key), Buffer.alloc(1)]) } }),
  ],
  [
    'a signature of zeros',
    'CHAIN_SIGNATURE_INVALID',
    () => chainOf({ secondChange: { sign: () => Buffer.alloc(64) } }),
  ],
  [
    'a signature by another key',
    'CHAIN_SIGNATURE_INVALID',
    () => chainOf({ secondChange: { sign: (data) => signEs256(data, stranger.svid.privateKey) } }),
  ],
  ['an algorithm of another key', 'CHAIN_SIGNATURE_INVALID', () => chainOf({ secondChange: header({ alg: 'ES384' }) })],
  [
    'an algorithm of another kind of key',
    'CHAIN_SIGNATURE_INVALID',
    () => chainOf({ secondChange: header({ alg: 'RS256' }) }),
  ],
  [
    'HMAC with the certificate',
    'CHAIN_SIGNATURE_INVALID',
    () => chainOf({ secondChange: { sign: (data) => createHmac('sha256', middle.issued.der).update(data).digest() } }),
  ],
  [
    'the first signature wrong, the last one right',
    'CHAIN_SIGNATURE_INVALID',
    () => chainOf({ firstChange: { sign: () => Buffer.alloc(64, 1) } }),
  ],
  ['a certificate of junk', 'CHAIN_SIGNER_UNTRUSTED', () => junkCertificate()],
  ['an expired signer', 'CHAIN_SIGNER_UNTRUSTED', () => chainOf({ firstSigner: outdated })],
  ['a trust domain without bundle', 'CHAIN_SIGNER_UNTRUSTED', () => chainOf({ firstSigner: unknown })],
  [
    'a CA of the same trust domain, not in its bundle',
    'CHAIN_SIGNER_UNTRUSTED',
    () => chainOf({ firstSigner: impostor }),
  ],
  ['a signer minted by a federated CA', 'CHAIN_SIGNER_UNTRUSTED', () => chainOf({ firstSigner: minted })],
  [
    'a signer that is not iss',
    'CHAIN_SIGNER_UNTRUSTED',
    () => chainOf({ firstSigner: stranger, firstChange: claims({ iss: `${origin.svid.id}` }) }),
  ],
  ['a signer that is not the last iss', 'CHAIN_SIGNER_UNTRUSTED', () => notIss()],
];

/** A service that called itself: as many links as entries leave room for one that nobody needs. */
function ofOneSigner(...entries: string[]): EncodedChain {
  return chainOf({ firstSigner: middle, first: { aud: `${middle.svid.id}` }, entries });
}

function junkCertificate(): EncodedChain {
  const junk = Buffer.from('junk');
  const signer = { ...origin, entry: encode('junk'), thumbprint: sha256(junk) };
  return chainOf({ firstSigner: signer });
}

function notIss(): EncodedChain {
  const link = linkOf(
    stranger,
    { aud: `${store.svid.id}`, act: ACT, txn: randomId() },
    claims({ iss: `${middle.svid.id}` }),
  );
  return encoded([link], [stranger.entry]);
}

describe('a chain is refused for', () => {
  const rows: Row[] = [...malformed.map(([name, chain]): Row => [name, 'CHAIN_MALFORMED', chain]), ...others];
  for (const [name, code, chain] of rows)
    test(`${name}: ${code}`, () => {
      const sent = chain();
      const verifier = verifierAt();
      assert.throws(() => verifier.verify(sent, CALL), hasCode(code));
    });
  test('a refused chain is not remembered: its last link is not used up', () => {
    const sent = chainOf();
    const verifier = verifierAt();
    assert.throws(() => verifier.verify(sent, { ...CALL, act: '/a.B/C' }), hasCode('CHAIN_ACT_MISMATCH'));
    assert.equal(verifier.verify(sent, CALL).links.length, 2);
    assert.throws(() => verifier.verify(sent, CALL), hasCode('CHAIN_REPLAYED'));
  });
});

describe('a chain is accepted', () => {
  const accepted: readonly (readonly [string, () => EncodedChain, string])[] = [
    ['of two', () => chainOf(), 'spiffe://example.org/origin'],
    ['from a federated trust domain', () => chainOf({ firstSigner: foreign }), 'spiffe://example.net/origin'],
    [
      'with its certificates in another order',
      () => chainOf({ entries: [middle.entry, origin.entry] }),
      'spiffe://example.org/origin',
    ],
    ['of one signer', () => ofOneSigner(middle.entry), 'spiffe://example.org/middle'],
    ['of one', () => encoded([alone], [middle.entry]), 'spiffe://example.org/middle'],
    [
      'at the end of the leeway',
      () => chainOf({ first: { iat: NOW - 34, exp: NOW - 4 } }),
      'spiffe://example.org/origin',
    ],
    ['from a clock 5 s ahead', () => chainOf({ second: { iat: NOW + 5 } }), 'spiffe://example.org/origin'],
    ['that lives for 60 s', () => chainOf({ second: { exp: NOW + 60 } }), 'spiffe://example.org/origin'],
  ];
  for (const [name, chain, from] of accepted)
    test(name, () => assert.equal(`${verifierAt().verify(chain(), CALL).origin}`, from));
  test('beside another that began with the same link: a hop may fan out', () => {
    const [first] = text(chainOf());
    const txn = JSON.parse(Buffer.from(first.split('.')[1] ?? '', 'base64url').toString()).txn;
    const verifier = verifierAt();
    for (let call = 0; call < 2; call += 1) {
      const second = linkOf(middle, { aud: `${store.svid.id}`, act: ACT, txn, prev: sha256(first) });
      assert.equal(verifier.verify(encoded([first, second], [origin.entry, middle.entry]), CALL).txn, txn);
    }
  });
  test('with its body, and not with another', () => {
    const withBody = () => chainOf({ second: { bodyDigest: BODY } });
    const verified = verifierAt().verify(withBody(), { ...CALL, bodyDigest: BODY });
    assert.equal(verified.links[1]?.bodyDigest, BODY);
    const refused = (chain: EncodedChain, bodyDigest: string) =>
      assert.throws(() => verifierAt().verify(chain, { ...CALL, bodyDigest }), hasCode('CHAIN_ACT_MISMATCH'));
    refused(withBody(), sha256('another body'));
    refused(chainOf(), BODY);
  });
});

describe('signers', () => {
  test('are verified again when the bundles change', () => {
    const source = store.source;
    const verifier = verifierAt();
    verifier.verify(chainOf({ firstSigner: foreign }), CALL);
    const before = source.current();
    source.update(ca.context(store.issued));
    try {
      assert.throws(() => verifier.verify(chainOf({ firstSigner: foreign }), CALL), hasCode('CHAIN_SIGNER_UNTRUSTED'));
    } finally {
      source.update(before);
    }
  });
  test('are verified again when their SVID ends, and when the clock was set back before it', () => {
    let nowMs = NOW_MS;
    const verifier = createChainVerifier({ source: store.source, now: () => nowMs });
    verifier.verify(chainOf(), CALL);
    for (const at of [origin.svid.leaf.notBeforeMs - 1_000, origin.svid.leaf.notAfterMs + 1_000]) {
      nowMs = Math.floor(at / 1_000) * 1_000;
      const times = { iat: nowMs / 1_000, exp: nowMs / 1_000 + 30 };
      assert.throws(
        () => verifier.verify(chainOf({ first: times, second: times }), CALL),
        hasCode('CHAIN_SIGNER_UNTRUSTED'),
      );
    }
  });
  test('may rotate: the next link is by the new SVID, and the peer is known by its ID', async () => {
    const before = origin.source.current();
    const signer = createChainSigner({ source: origin.source, now: () => NOW_MS });
    const verifier = createChainVerifier({ source: middle.source, now: () => NOW_MS });
    const call = { peerId: origin.svid.id, ownId: middle.svid.id, act: 'GET /' };
    verifier.verify(await signer.sign({ audience: middle.svid.id, act: 'GET /' }), call);
    const rotated = await ca.issue({ path: '/origin', keyType: 'ec-p384' });
    origin.source.update(ca.context(rotated));
    const sent = await signer.sign({ audience: middle.svid.id, act: 'GET /' });
    origin.source.update(before);
    assert.equal(sent.certs, entryOf(rotated.chain));
    assert.equal(`${verifier.verify(sent, call).origin}`, `${origin.svid.id}`);
  });
  for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'] as const)
    test(`may have ${keyType}`, async () => {
      const party = await partyOf(ca, { path: '/middle', keyType });
      const signer = createChainSigner({ source: party.source, now: () => NOW_MS });
      const sent = await signer.sign({ audience: store.svid.id, act: ACT });
      assert.equal(`${verifierAt().verify(sent, CALL).origin}`, `${middle.svid.id}`);
      const [first = '', ...rest] = sent.chain.split('.').toReversed();
      const broken = Buffer.from(first, 'base64url');
      broken.writeUInt8(broken.readUInt8(9) ^ 1, 9);
      const chain = [...rest.toReversed(), broken.toString('base64url')].join('.');
      assert.throws(() => verifierAt().verify({ ...sent, chain }, CALL), hasCode('CHAIN_SIGNATURE_INVALID'));
    });
});

describe('both headers', () => {
  const values = (chains: readonly string[], certs: readonly string[]) =>
    chainIn((name) => (name === 'caller-chain' ? chains : certs));
  test('are read once, or are both missing', () => {
    assert.deepEqual(values(['a'], ['b']), { chain: 'a', certs: 'b' });
    assert.equal(values([], []), undefined);
  });
  for (const [chains, certs] of [
    [['a'], []],
    [[], ['b']],
    [['a', 'a'], ['b']],
    [['a'], ['b', 'b']],
  ] as const)
    test(`are refused when sent ${chains.length} and ${certs.length} times`, () =>
      assert.throws(() => values(chains, certs), hasCode('CHAIN_MALFORMED')));
});
