/**
 * JWT-SVIDs before an ordinary OIDC verifier, which knows an issuer's address and nothing of SPIFFE.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { startTemporary } from '../test/temporary.ts';
import { createWebCertificate } from '../test/web-certificate.ts';
import { connect, fetchJwtSvid } from '../test/workload-client.ts';
import type { DevTrustDomain } from './dev-trust-domain.ts';
import { JWT_ALGORITHMS } from './jwt-authority.ts';
import { parseIssuer } from './oidc-discovery.ts';
import type { DevTrustDomainOptions } from './options.ts';

/** A port that was free a moment ago: the issuer's address has to be known before the endpoint listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}

async function startIssuer(context: TestContext, options: Partial<DevTrustDomainOptions> = {}) {
  const { caPem, ...web } = await createWebCertificate();
  const port = await freePort();
  const issuer = `https://localhost:${port}`;
  const trustDomain = await startTemporary(context, {
    bundleEndpoints: [{ profile: 'https_web', port, ...web }],
    jwtIssuer: issuer,
    ...options,
  });
  return { trustDomain, issuer, get: (url: string) => get(url, caPem) };
}

function get(url: string, ca: string): Promise<{ status: number; body: string; contentType: string | undefined }> {
  return new Promise((resolve, reject) => {
    request(url, { ca, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      const contentType = response.headers['content-type'];
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, contentType }));
    })
      .on('error', reject)
      .end();
  });
}

async function tokenOf(context: TestContext, trustDomain: DevTrustDomain): Promise<string> {
  const { svids } = await fetchJwtSvid(connect(context, trustDomain, 'web'), ['api']);
  return svids[0]?.svid ?? assert.fail('no token');
}

for (const jwtAlgorithm of JWT_ALGORITHMS) {
  test(`F1 an OIDC verifier takes a token of ${jwtAlgorithm} by the issuer’s address alone, over a rotation of the key`, async (context) => {
    const { trustDomain, issuer, get: ask } = await startIssuer(context, { jwtAlgorithm });
    const discovery = await ask(`${issuer}/.well-known/openid-configuration`);
    assert.deepEqual([discovery.status, discovery.contentType], [200, 'application/json; charset=utf-8']);
    const { issuer: named, jwks_uri: keysUrl } = JSON.parse(discovery.body);
    assert.equal(named, issuer);
    const keys = createRemoteJWKSet(new URL(keysUrl), {
      cooldownDuration: 0,
      [customFetch]: async (url: string) => {
        const { status, body } = await ask(url);
        return new Response(body, { status });
      },
    });
    const expected = { issuer, audience: 'api', algorithms: [jwtAlgorithm] };
    const first = await tokenOf(context, trustDomain);
    assert.equal((await jwtVerify(first, keys, expected)).payload.sub, 'spiffe://example.org/web');
    await trustDomain.rotateJwt({ dropAfterMs: 3_600_000 });
    for (const token of [first, await tokenOf(context, trustDomain)]) await jwtVerify(token, keys, expected);

    await assert.rejects(jwtVerify(first, keys, { ...expected, audience: 'db' }), {
      code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
    });
    const impostor = await startTemporary(context, { jwtIssuer: issuer, jwtAlgorithm });
    const forged = await tokenOf(context, impostor);
    await assert.rejects(jwtVerify(forged, keys, expected), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });
}

test('D17 the key set holds public JWT keys alone, those that are published and do not sign yet among them', async (context) => {
  const { trustDomain, issuer, get: ask } = await startIssuer(context);
  await trustDomain.rotateJwt({ dropAfterMs: 3_600_000 });
  const { keys } = JSON.parse((await ask(`${issuer}/keys`)).body);
  const { jwtAuthorities } = await trustDomain.status();
  assert.deepEqual(
    keys.map(({ kid }: { kid: string }) => kid),
    jwtAuthorities.map(({ keyId }) => keyId),
  );
  for (const key of keys) assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  assert.deepEqual(new Set(keys.map(({ use }: { use: string }) => use)), new Set(['sig']));
});

test('without an issuer there is no discovery and no iss; the bundle is served all the same', async (context) => {
  const { caPem, ...web } = await createWebCertificate();
  const trustDomain = await startTemporary(context, { bundleEndpoints: [{ profile: 'https_web', ...web }] });
  const url = new URL((await trustDomain.status()).bundleEndpoints[0]?.url ?? '');
  url.hostname = 'localhost';
  for (const [path, expected] of [
    ['/', 200],
    ['/keys', 404],
    ['/.well-known/openid-configuration', 404],
  ] as const)
    assert.equal((await get(new URL(path, url).href, caPem)).status, expected, path);
  const [, payload = ''] = (await tokenOf(context, trustDomain)).split('.');
  assert.ok(!('iss' in JSON.parse(Buffer.from(payload, 'base64url').toString())));
});

for (const issuer of [
  'http://localhost:1',
  'https://localhost:1/',
  'https://localhost/path',
  'https://a@localhost',
  'localhost',
  '',
]) {
  test(`refuses the issuer "${issuer}"`, () => {
    assert.throws(() => parseIssuer(issuer), { code: 'CONFIGURATION', message: /jwtIssuer must be an https address/ });
  });
}
