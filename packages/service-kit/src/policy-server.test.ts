/**
 * A bundle server over https, as a service's settings name it: known by its SPIFFE ID, or by a certificate of the web. A
 * server that is anybody else gives no policy, and is not even told which bundle is asked for.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer as createWebServer } from 'node:https';
import { type TestContext, test } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { AuthzError, createPolicyEngine, type PolicyStatus } from '@countersign/authz';
import {
  createSpiffeHttpsServer,
  createStaticX509Source,
  dangerouslyAuthorizeAnyPeer,
  peerOf,
  type StaticX509Source,
} from '@countersign/spiffe-tls';
import { createTestCa, type IssueOptions, KeyPurpose, type TestCa } from '@countersign/testkit';
import { listenUntilEnd } from '../test/listen.ts';
import { policyBundleSetting } from './common-settings.ts';
import { loadConfig } from './config.ts';
import { policySettings, policySourceOf } from './policy-settings.ts';

const BUNDLE = readFileSync(policyBundleSetting.fallback ?? '');
const SERVER_ID = 'spiffe://example.org/bundles';
const ca = await createTestCa({ trustDomain: 'example.org' });
/** One of the same name: only its key is another. */
const twin = await createTestCa({ trustDomain: 'example.org', name: ca.name });
const web = await createTestCa({ trustDomain: 'web.example' });
setDefaultCACertificates([web.pem]);

/** Who asked. */
type Asked = Array<string | undefined>;

function answering(asked: Asked, ask: (request: IncomingMessage) => string | undefined): RequestListener {
  return (request, response) => {
    asked.push(ask(request));
    response.writeHead(200, { 'content-type': 'application/gzip' }).end(BUNDLE);
  };
}

async function sourceOf(t: TestContext, issuer: TestCa, path: string): Promise<StaticX509Source> {
  const source = createStaticX509Source(ca.context(await issuer.issue({ path })));
  t.after(() => source.close());
  return source;
}

/** The policy of a service that is told to ask this server. */
async function statusWith(t: TestContext, env: Readonly<Record<string, string>>): Promise<PolicyStatus> {
  const source = await sourceOf(t, ca, '/shop');
  const from = policySourceOf(loadConfig(policySettings, { env, args: [] }), source);
  const engine = await createPolicyEngine(from.options);
  t.after(() => {
    engine.close();
    from.close();
  });
  return engine.status();
}

function assertNone(status: PolicyStatus, why: RegExp): void {
  assert.ok(status.state === 'unavailable', 'a policy was taken');
  const { cause } = status.error;
  assert.ok(cause instanceof AuthzError && cause.code === 'BUNDLE_SOURCE', String(cause));
  assert.match(cause.message, why);
}

async function startSpiffeServer(t: TestContext, issuer: TestCa, path: string) {
  const asked: Asked = [];
  const options = { source: await sourceOf(t, issuer, path), authorize: dangerouslyAuthorizeAnyPeer() };
  const server = createSpiffeHttpsServer(
    options,
    answering(asked, (request) => peerOf(request)?.id.toString()),
  );
  return { asked, url: `https://127.0.0.1:${await listenUntilEnd(t, server)}/shop.tar.gz` };
}

test('a server with the SPIFFE ID that is wanted gives the policy, and sees ours', async (t) => {
  const { asked, url } = await startSpiffeServer(t, ca, '/bundles');
  const status = await statusWith(t, { POLICY_BUNDLE_URL: url, POLICY_BUNDLE_SERVER_ID: SERVER_ID });
  assert.equal(status.state, 'loaded', status.error?.message);
  assert.equal(status.source, url);
  assert.deepEqual(asked, ['spiffe://example.org/shop']);
});

for (const [name, issuer, path, why] of [
  ['another ID of our trust domain', ca, '/impostor', /spiffe:\/\/example\.org\/impostor/],
  ['the ID, by a CA of its own with the name of ours', twin, '/bundles', /must be reachable/],
] as const) {
  test(`a server with ${name} gives none, and is asked nothing`, async (t) => {
    const { asked, url } = await startSpiffeServer(t, issuer, path);
    assertNone(await statusWith(t, { POLICY_BUNDLE_URL: url, POLICY_BUNDLE_SERVER_ID: SERVER_ID }), why);
    assert.deepEqual(asked, []);
  });
}

const WEB_CERTIFICATE: IssueOptions = { uris: [], dnsNames: ['localhost'], extendedKeyUsage: [KeyPurpose.serverAuth] };

async function startWebServer(t: TestContext, issuer: TestCa, options: IssueOptions = {}) {
  const asked: Asked = [];
  const { certificatePem: cert, keyPem: key } = await issuer.issue({ ...WEB_CERTIFICATE, ...options });
  const server = createWebServer(
    { cert, key },
    answering(asked, ({ url }) => url),
  );
  return { asked, url: `https://localhost:${await listenUntilEnd(t, server)}/shop.tar.gz` };
}

test('without an ID a server with a certificate of the web gives the policy', async (t) => {
  const { asked, url } = await startWebServer(t, web);
  const status = await statusWith(t, { POLICY_BUNDLE_URL: url });
  assert.equal(status.state, 'loaded', status.error?.message);
  assert.deepEqual(asked, ['/shop.tar.gz']);
});

const hourAgo = new Date(Date.now() - 3_600_000);
const REFUSED: ReadonlyArray<readonly [name: string, issuer: TestCa, options: IssueOptions, why: RegExp]> = [
  ['of a CA that the web does not know', ca, {}, /must be reachable: .*certificate/],
  ['for another name', web, { dnsNames: ['bundles.example'] }, /altnames/],
  ['that has ended', web, { notBefore: new Date(hourAgo.getTime() - 60_000), notAfter: hourAgo }, /expired/],
  ['that is for clients', web, { extendedKeyUsage: [KeyPurpose.clientAuth] }, /purpose/],
];
for (const [name, issuer, options, why] of REFUSED) {
  for (const setting of [undefined, '0']) {
    const how = setting === undefined ? '' : ', whatever NODE_TLS_REJECT_UNAUTHORIZED says';
    test(`a certificate ${name} gives none, and is asked nothing${how}`, async (t) => {
      if (setting !== undefined) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = setting;
      t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
      const { asked, url } = await startWebServer(t, issuer, options);
      assertNone(await statusWith(t, { POLICY_BUNDLE_URL: url }), why);
      assert.deepEqual(asked, []);
    });
  }
}

test('a server that wants an ID does not pass by a certificate of the web', async (t) => {
  const { asked, url } = await startWebServer(t, web);
  assertNone(await statusWith(t, { POLICY_BUNDLE_URL: url, POLICY_BUNDLE_SERVER_ID: SERVER_ID }), /must be reachable/);
  assert.deepEqual(asked, []);
});
