/**
 * The JWT-SVID profile on the wire: what is issued, what verifies it, and what is refused. Forged tokens are signed with
 * the trust domain's own key, so that nothing but the rule under test can refuse them.
 */
import assert from 'node:assert/strict';
import { constants, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SpiffeWorkloadAPIClient } from '@countersign/spiffe-tls/workload-api-proto';
import { status } from '@grpc/grpc-js';
import { registrationOf, startTemporary, temporaryDirectory } from '../test/temporary.ts';
import { connect, fetchJwtSvid, header, reader, validateJwtSvid } from '../test/workload-client.ts';
import type { DevTrustDomain } from './dev-trust-domain.ts';
import { JWT_ALGORITHMS } from './jwt-authority.ts';
import type { DevTrustDomainOptions } from './options.ts';

type Fields = Record<string, unknown>;

const WEB = 'spiffe://example.org/web';
const OWN = 'spiffe://example.org';

function decode(token: string): { header: Fields; claims: Fields } {
  const [head = '', payload = ''] = token.split('.');
  const parse = (part: string): Fields => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: parse(head), claims: parse(payload) };
}

async function fetchOne(client: SpiffeWorkloadAPIClient, audience: string): Promise<string> {
  const { svids } = await fetchJwtSvid(client, [audience]);
  const [svid, ...others] = svids;
  assert.ok(svid !== undefined && others.length === 0);
  return svid.svid;
}

function keysIn(bundles: Readonly<Record<string, Buffer>>, id = OWN): readonly Fields[] {
  const document = bundles[id];
  assert.ok(document, `no bundle of ${id}`);
  return JSON.parse(document.toString()).keys;
}

for (const algorithm of JWT_ALGORITHMS) {
  test(`D10 D17 a ${algorithm} token says what it must and nothing else, and its key is in the bundle`, async (context) => {
    const trustDomain = await startTemporary(context, { jwtAlgorithm: algorithm, jwtTtlMs: 60_000 });
    const client = connect(context, trustDomain, 'web');
    const bundles = reader(context, client.fetchJwtBundles({}, header('true')));
    const published = keysIn((await bundles.next()).bundles);
    const token = await fetchOne(client, 'orders');
    const { header: head, claims } = decode(token);
    assert.deepEqual(Object.keys(head).sort(), ['alg', 'kid', 'typ']);
    assert.deepEqual({ alg: head['alg'], typ: head['typ'] }, { alg: algorithm, typ: 'JWT' });
    assert.deepEqual(Object.keys(claims).sort(), ['aud', 'exp', 'iat', 'sub']);
    assert.deepEqual({ sub: claims['sub'], aud: claims['aud'] }, { sub: WEB, aud: ['orders'] });
    assert.ok(Number(claims['exp']) - Number(claims['iat']) <= 60);
    assert.deepEqual(
      published.map((key) => key['kid']),
      [head['kid']],
    );
    const { spiffeId, claims: validated } = await validateJwtSvid(client, token, 'orders');
    assert.equal(spiffeId, WEB);
    assert.deepEqual(validated, claims);
  });
}

test('D9 a JWKS holds public jwt-svid keys alone, under the SPIFFE ID of the trust domain', async (context) => {
  for (const jwtAlgorithm of JWT_ALGORITHMS) {
    const trustDomain = await startTemporary(context, { jwtAlgorithm });
    const { bundles } = await reader(
      context,
      connect(context, trustDomain, 'web').fetchJwtBundles({}, header('true')),
    ).next();
    assert.deepEqual(Object.keys(bundles), [OWN]);
    const [key = {}, ...others] = keysIn(bundles);
    assert.deepEqual(others, []);
    const members = jwtAlgorithm === 'ES256' ? ['crv', 'kid', 'kty', 'use', 'x', 'y'] : ['e', 'kid', 'kty', 'n', 'use'];
    assert.deepEqual(Object.keys(key).sort(), members);
    assert.equal(key['use'], 'jwt-svid');
  }
});

test('D10 every audience is in the token; without an ID there is one token for each identity, with its hint', async (context) => {
  const second = registrationOf('web', { spiffeId: `${WEB}/admin`, dnsNames: [], hint: 'admin' });
  const trustDomain = await startTemporary(context, { registrations: [registrationOf('web'), second] });
  const client = connect(context, trustDomain, 'web');
  const { svids } = await fetchJwtSvid(client, ['a', 'b']);
  assert.deepEqual(
    svids.map(({ spiffeId, hint, svid }) => [spiffeId, hint, decode(svid).claims['sub'], decode(svid).claims['aud']]),
    [
      [WEB, '', WEB, ['a', 'b']],
      [`${WEB}/admin`, 'admin', `${WEB}/admin`, ['a', 'b']],
    ],
  );
  const named = await fetchJwtSvid(client, ['a'], `${WEB}/admin`);
  assert.deepEqual(
    named.svids.map(({ spiffeId }) => spiffeId),
    [`${WEB}/admin`],
  );
});

const refusedRequests: readonly [name: string, audience: string[], spiffeId: string, code: status][] = [
  ['no audience', [], '', status.INVALID_ARGUMENT],
  ['an empty audience', ['a', ''], '', status.INVALID_ARGUMENT],
  ['an ID that is none', ['a'], 'https://example.org/web', status.INVALID_ARGUMENT],
  ['the ID of another workload', ['a'], 'spiffe://example.org/job', status.PERMISSION_DENIED],
  ['the ID of another trust domain', ['a'], 'spiffe://other.org/web', status.PERMISSION_DENIED],
  ['the ID of nobody', ['a'], 'spiffe://example.org/nobody', status.PERMISSION_DENIED],
];

test('D10 FetchJWTSVID refuses what the workload is not entitled to', async (context) => {
  const client = connect(context, await startTemporary(context), 'web');
  for (const [name, audience, spiffeId, code] of refusedRequests)
    await assert.rejects(fetchJwtSvid(client, audience, spiffeId), { code }, name);
});

test('D4 D10 D11 without an identity there is no token, no bundle and no validation', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const token = await fetchOne(client, 'a');
  const bundles = reader(context, client.fetchJwtBundles({}, header('true')));
  await bundles.next();
  await trustDomain.unregister('web');
  const denied = { code: status.PERMISSION_DENIED, details: 'no identity issued' };
  const { code, details } = await bundles.ended();
  assert.deepEqual({ code, details }, denied);
  await assert.rejects(fetchJwtSvid(client, ['a']), denied);
  await assert.rejects(validateJwtSvid(client, token, 'a'), denied);
  await trustDomain.register({ name: 'web' });
  assert.equal((await validateJwtSvid(client, token, 'a')).spiffeId, WEB);
});

/** A trust domain whose signing key the test can read. */
async function startWithKey(context: TestContext, options: Partial<DevTrustDomainOptions> = {}) {
  const caDirectory = await temporaryDirectory(context);
  const trustDomain = await startTemporary(context, { caDirectory, ...options });
  const file = join(caDirectory, 'jwt-keys.json');
  const jwk = JSON.parse(await readFile(file, 'utf8')).key;
  return { trustDomain, caDirectory, file, key: createPrivateKey({ key: jwk, format: 'jwk' }) };
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('D11 ValidateJWTSVID refuses every token that breaks one rule, though the right key has signed it', async (context) => {
  const { trustDomain, key } = await startWithKey(context);
  const client = connect(context, trustDomain, 'web');
  const genuine = decode(await fetchOne(client, 'a'));
  const now = Math.floor(Date.now() / 1000);
  const signed = (text: string, signer = key, hash = 'sha256') =>
    `${text}.${sign(hash, Buffer.from(text), { key: signer, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  const forged = (head: Fields, claims: Fields = {}) =>
    signed(`${part({ ...genuine.header, ...head })}.${part({ ...genuine.claims, ...claims })}`);
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const plain = forged({});
  const unsigned = `${part({ alg: 'none' })}.${part(genuine.claims)}.`;
  const text = `${part({ alg: 'HS256', kid: genuine.header['kid'] })}.${part(genuine.claims)}`;
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  const hmac = `${text}.${createHmac('sha256', publicPem).update(text).digest('base64url')}`;
  const table: readonly [name: string, token: string, rule: RegExp][] = [
    ['two parts', plain.split('.').slice(0, 2).join('.'), /three parts/],
    ['four parts', `${plain}.x`, /three parts/],
    ['JSON serialization', JSON.stringify({ payload: '', signatures: [] }), /three parts/],
    ['padded base64', plain.replace('.', '=.'), /three parts/],
    ['a header that is no JSON', signed(`${Buffer.from('{').toString('base64url')}.${part(genuine.claims)}`), /header/],
    ['a payload that is a list', signed(`${part(genuine.header)}.${part([])}`), /payload/],
    ['no signature', unsigned, /three parts/],
    ['alg none', `${unsigned}AA`, /alg must be/],
    ['HMAC with the public key', hmac, /alg must be/],
    ['EdDSA', forged({ alg: 'EdDSA' }), /alg must be/],
    ['an algorithm of another curve', forged({ alg: 'ES384' }), /no key/],
    ['an algorithm of another key type', forged({ alg: 'RS256' }), /no key/],
    ['a typ of another kind', forged({ typ: 'wit+jwt' }), /typ/],
    ['crit', forged({ crit: ['b64'], b64: true }), /header must hold/],
    ['a key in the header', forged({ jwk: createPublicKey(stranger).export({ format: 'jwk' }) }), /header must hold/],
    ['a kid that is not in the bundle', forged({ kid: 'other' }), /no key/],
    ['a kid that is no string', forged({ kid: 1 }), /kid/],
    ['no sub', forged({}, { sub: undefined }), /sub is missing/],
    ['a sub that is no SPIFFE ID', forged({}, { sub: 'web' }), /sub is not/],
    ['a sub without a path', forged({}, { sub: OWN }), /path/],
    ['a sub of a trust domain without bundle', forged({}, { sub: 'spiffe://other.org/web' }), /no bundle/],
    ['no aud', forged({}, { aud: undefined }), /aud/],
    ['an aud of others', forged({}, { aud: ['b', 'A'] }), /aud/],
    ['an aud in a longer text', forged({}, { aud: 'aa' }), /aud/],
    ['no exp', forged({}, { exp: undefined }), /exp is missing/],
    ['an exp that is text', forged({}, { exp: String(now + 60) }), /exp is missing/],
    ['an exp that is past', forged({}, { exp: now - 1 }), /expired/],
    ['an nbf to come', forged({}, { nbf: now + 600 }), /not valid yet/],
    ['a changed payload', plain.replace(/\.[^.]+\./, `.${part({ ...genuine.claims, sub: `${WEB}/x` })}.`), /signature/],
    ['a stranger’s signature', signed(`${part(genuine.header)}.${part(genuine.claims)}`, stranger), /signature/],
  ];
  for (const [name, token, details] of table)
    await assert.rejects(validateJwtSvid(client, token, 'a'), { code: status.INVALID_ARGUMENT, details }, name);
  await assert.rejects(validateJwtSvid(client, plain, ''), { code: status.INVALID_ARGUMENT, details: /audience/ });
  await assert.rejects(validateJwtSvid(client, '', 'a'), { code: status.INVALID_ARGUMENT, details: /svid/ });
  // The same forge, with nothing broken: what the table refuses, it refuses for the rule.
  for (const [name, token] of [
    ['unchanged', plain],
    ['an aud of one string', forged({}, { aud: 'a' })],
    ['an iat to come', forged({}, { iat: now + 600 })],
    ['typ JOSE', forged({ typ: 'JOSE' })],
    ['no typ and no kid', forged({ typ: undefined, kid: undefined })],
  ] as const)
    assert.equal((await validateJwtSvid(client, token, 'a')).spiffeId, WEB, name);
});

test('D11 RSA tokens verify with PKCS#1 and PSS, and claims of every type come back', async (context) => {
  const { trustDomain, key } = await startWithKey(context, { jwtAlgorithm: 'RS256' });
  const client = connect(context, trustDomain, 'web');
  const { header: head, claims } = decode(await fetchOne(client, 'a'));
  const extra = { text: 'x', number: 1.5, flag: true, nothing: null, list: [1, 'two'], nested: { deep: [{}] } };
  for (const [alg, hash] of [
    ['RS256', 'sha256'],
    ['RS512', 'sha512'],
    ['PS256', 'sha256'],
    ['PS384', 'sha384'],
  ] as const) {
    const text = `${part({ ...head, alg })}.${part({ ...claims, ...extra })}`;
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    const signature = sign(hash, Buffer.from(text), { key, ...(alg.startsWith('PS') ? pss : {}) });
    const valid = await validateJwtSvid(client, `${text}.${signature.toString('base64url')}`, 'a');
    assert.deepEqual(valid.claims, { ...claims, ...extra }, alg);
  }
});

async function rolesOf(trustDomain: DevTrustDomain): Promise<[string, string][]> {
  return (await trustDomain.status()).jwtAuthorities.map(({ keyId, role }) => [keyId, role]);
}

test('D16 D17 a new JWT key is published before it signs; old tokens stay valid until the old key is dropped', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const bundles = reader(context, client.fetchJwtBundles({}, header('true')));
  const [first] = keysIn((await bundles.next()).bundles).map((key) => key['kid']);
  const old = await fetchOne(client, 'a');
  const rotating = trustDomain.rotateJwt({ settleMs: 50, dropAfterMs: 50 });
  const overlap = keysIn((await bundles.next()).bundles).map((key) => key['kid']);
  assert.equal(overlap.length, 2);
  // Published, but the old key still signs: whoever watches the bundle is ahead of the tokens.
  assert.equal(decode(await fetchOne(client, 'a')).header['kid'], first);
  const { keyId, previousKeyId } = await rotating;
  assert.deepEqual([first, overlap], [previousKeyId, [previousKeyId, keyId]]);
  const fresh = await fetchOne(client, 'a');
  assert.equal(decode(fresh).header['kid'], keyId);
  // The order of a JWKS says nothing, but it changes with the roles, so this is a message of its own.
  assert.deepEqual(
    keysIn((await bundles.next()).bundles)
      .map((key) => key['kid'])
      .at(0),
    keyId,
  );
  await trustDomain.whenOldJwtKeysDropped();
  assert.deepEqual(await rolesOf(trustDomain), [[keyId, 'active']]);
  await assert.rejects(validateJwtSvid(client, old, 'a'), { code: status.INVALID_ARGUMENT, details: /no key/ });
  assert.equal((await validateJwtSvid(client, fresh, 'a')).spiffeId, WEB);
});

test('D17 by default the old key stays until the last token that it signed has expired', async (context) => {
  const trustDomain = await startTemporary(context, { jwtTtlMs: 60_000 });
  const client = connect(context, trustDomain, 'web');
  const token = await fetchOne(client, 'a');
  const { dropsAt, previousKeyId } = await trustDomain.rotateJwt();
  assert.ok(Math.abs(Date.parse(dropsAt) / 1000 - Number(decode(token).claims['exp'])) < 1);
  assert.deepEqual((await rolesOf(trustDomain)).at(1), [previousKeyId, 'retiring']);
  assert.equal((await validateJwtSvid(client, token, 'a')).spiffeId, WEB);
});

test('D9 a rotation of the JWT key is no news for those who watch X.509, and the other way round', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const x509 = reader(context, client.fetchX509Bundles({}, header('true')));
  const jwt = reader(context, client.fetchJwtBundles({}, header('true')));
  const [{ bundles: before }] = await Promise.all([x509.next(), jwt.next()]);
  await trustDomain.rotateJwt({ dropAfterMs: 3_600_000 });
  await trustDomain.rotateCa({ dropAfterMs: 3_600_000 });
  // The next X.509 message is the one with two roots, not a repetition; the next JWKS has two keys.
  assert.notDeepEqual((await x509.next()).bundles, before);
  assert.equal(keysIn((await jwt.next()).bundles).length, 2);
});

test('D19 the JWT key is kept with mode 0600 and taken up by the next start, and replaced when it can not be used', async (context) => {
  const { trustDomain, caDirectory, file } = await startWithKey(context);
  const token = await fetchOne(connect(context, trustDomain, 'web'), 'a');
  const { previousKeyId } = await trustDomain.rotateJwt();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const kept = await rolesOf(trustDomain);
  await trustDomain.close();
  const again = await startTemporary(context, { caDirectory });
  assert.deepEqual(await rolesOf(again), kept);
  assert.equal(kept[1]?.[0], previousKeyId);
  assert.equal((await validateJwtSvid(connect(context, again, 'web'), token, 'a')).spiffeId, WEB);
  await again.close();
  await writeFile(file, '{"key":{"kty":"EC"}');
  const reasons: unknown[] = [];
  await startTemporary(context, {
    caDirectory,
    log: (event) => void (event.event === 'jwt-key-created' && reasons.push(event['reason'])),
  });
  assert.deepEqual(reasons, ['it can not be parsed']);
});
