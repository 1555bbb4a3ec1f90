/**
 * Two trust domains that federate: what workloads of one learn of the other, on the wire, and what they lose again; and
 * the bundle endpoint in both profiles.
 */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import {
  createWorkloadApiX509Source,
  splitCertificates,
  TrustDomain,
  toPem,
  verifyX509Svid,
  X509Bundle,
  X509BundleSet,
} from '@countersign/spiffe-tls';
import { createManualClock } from '@countersign/testkit';
import { status } from '@grpc/grpc-js';
import { registrationOf, startTemporary } from '../test/temporary.ts';
import { createWebCertificate } from '../test/web-certificate.ts';
import { connect, fetchJwtSvid, header, reader, validateJwtSvid } from '../test/workload-client.ts';
import { createControlClient } from './control-client.ts';
import type { DevTrustDomain } from './dev-trust-domain.ts';

const OTHER = 'spiffe://other.org';

/** `example.org`, where `web` is to federate and `job` is not, and `other.org` with workload `api`. */
async function startBoth(context: TestContext) {
  const own = await startTemporary(context, {
    registrations: [registrationOf('web', { federatesWith: ['other.org'] }), registrationOf('job')],
  });
  const other = await startTemporary(context, {
    trustDomain: 'other.org',
    registrations: [{ name: 'api', spiffeId: `${OTHER}/api`, dnsNames: [] }],
  });
  return { own, other };
}

function watchX509(context: TestContext, trustDomain: DevTrustDomain, name: string) {
  const stream = reader(context, connect(context, trustDomain, name).fetchX509Svid({}, header('true')));
  return async () => (await stream.next()).federatedBundles;
}

function watchBundles(context: TestContext, trustDomain: DevTrustDomain, name: string) {
  const client = connect(context, trustDomain, name);
  const x509 = reader(context, client.fetchX509Bundles({}, header('true')));
  const jwt = reader(context, client.fetchJwtBundles({}, header('true')));
  return async () => [(await x509.next()).bundles, (await jwt.next()).bundles] as const;
}

test('D6 D9 a federated bundle is pushed to the workload that names it, to no other, and taken away again live', async (context) => {
  const { own, other } = await startBoth(context);
  const web = { svid: watchX509(context, own, 'web'), bundles: watchBundles(context, own, 'web') };
  const job = watchX509(context, own, 'job');
  assert.deepEqual([await web.svid(), await job()], [{}, {}]);
  assert.deepEqual((await web.bundles()).map(Object.keys), [['spiffe://example.org'], ['spiffe://example.org']]);

  await own.federate('other.org', await other.bundleDocument());
  const pushed = await web.svid();
  assert.deepEqual(Object.keys(pushed), [OTHER]);
  const [x509, jwt] = await web.bundles();
  assert.deepEqual(Object.keys(x509).sort(), ['spiffe://example.org', OTHER]);
  assert.deepEqual(Object.keys(jwt).sort(), ['spiffe://example.org', OTHER]);
  const theirs = await reader(context, connect(context, other, 'api').fetchX509Bundles({}, header('true'))).next();
  assert.deepEqual(pushed[OTHER], theirs.bundles[OTHER]);
  assert.deepEqual(x509[OTHER], theirs.bundles[OTHER]);
  assert.deepEqual((await own.status()).federatesWith, ['other.org']);

  await own.unfederate('other.org');
  assert.deepEqual(await web.svid(), {});
  assert.deepEqual((await web.bundles()).map(Object.keys), [['spiffe://example.org'], ['spiffe://example.org']]);
  // What `job` hears next is its own rotation: it was never told of the other trust domain.
  await own.rotate('job');
  assert.deepEqual(await job(), {});
});

test('D11 a token of a federated trust domain is validated for the workload that names it, and refused for others and later', async (context) => {
  const { own, other } = await startBoth(context);
  const [svid] = (await fetchJwtSvid(connect(context, other, 'api'), ['orders'])).svids;
  const web = connect(context, own, 'web');
  const validate = () => validateJwtSvid(web, svid?.svid ?? '', 'orders');
  const refused = { code: status.INVALID_ARGUMENT, details: /there is no bundle of "other\.org"/ };
  await assert.rejects(validate(), refused);
  await own.federate('other.org', await other.bundleDocument());
  assert.equal((await validate()).spiffeId, `${OTHER}/api`);
  await assert.rejects(validateJwtSvid(connect(context, own, 'job'), svid?.svid ?? '', 'orders'), refused);
  await own.unfederate('other.org');
  await assert.rejects(validate(), refused);
});

test('D11 T4 a key of one trust domain does not vouch for an ID of another', async (context) => {
  const { own, other } = await startBoth(context);
  const impostor = await startTemporary(context, {
    trustDomain: 'other.org',
    registrations: [{ name: 'api', spiffeId: `${OTHER}/api`, dnsNames: [] }],
  });
  await own.federate('other.org', await other.bundleDocument());
  const [svid] = (await fetchJwtSvid(connect(context, impostor, 'api'), ['orders'])).svids;
  await assert.rejects(validateJwtSvid(connect(context, own, 'web'), svid?.svid ?? '', 'orders'), {
    code: status.INVALID_ARGUMENT,
    details: /has no key for it/,
  });
});

test('D16 a trust domain of the same process is followed: its rotation arrives before it signs', async (context) => {
  const { own, other } = await startBoth(context);
  await own.federateWith(other);
  const client = connect(context, own, 'web');
  const next = watchX509(context, own, 'web');
  const size = async () => splitCertificates((await next())[OTHER] ?? Buffer.alloc(0)).length;
  assert.equal(await size(), 1);
  await other.rotateCa({ dropAfterMs: 0 });
  await other.rotateJwt();
  // Published; then active first; then the old root is dropped.
  assert.deepEqual([await size(), await size(), await size()], [2, 2, 1]);
  const [svid] = (await fetchJwtSvid(connect(context, other, 'api'), ['a'])).svids;
  assert.equal((await validateJwtSvid(client, svid?.svid ?? '', 'a')).spiffeId, `${OTHER}/api`);

  await own.unfederate('other.org');
  assert.deepEqual(await next(), {});
  await other.rotateCa({ dropAfterMs: 0 });
  await own.rotate('web');
  assert.deepEqual(await next(), {}, 'nothing of it arrives any more');
});

test('D16 two trust domains that follow each other rotate at once', async (context) => {
  const { own, other } = await startBoth(context);
  await Promise.all([own.federateWith(other), other.federateWith(own)]);
  await Promise.all([own.rotateCa({ dropAfterMs: 0 }), other.rotateCa({ dropAfterMs: 0 }), own.rotateJwt()]);
  assert.deepEqual(
    [(await own.status()).federatesWith, (await other.status()).federatesWith],
    [['other.org'], ['example.org']],
  );
});

test('D6 a source verifies a peer of the federated trust domain, until it is let go', async (context) => {
  const { own, other } = await startBoth(context);
  await own.federateWith(other);
  const open = async (trustDomain: DevTrustDomain, name: string) => {
    const source = createWorkloadApiX509Source({ endpoint: trustDomain.socketOf(name) });
    context.after(() => source.close());
    await source.ready();
    return source;
  };
  const web = await open(own, 'web');
  const chain = (await open(other, 'api')).current().svid.chain.map(({ der }) => der);
  const verify = () => verifyX509Svid({ chain, bundles: web.current().bundles, nowMs: Date.now() });
  assert.equal(verify().id.toString(), `${OTHER}/api`);
  const updated = new Promise<void>((resolve) => web.subscribe(() => resolve()));
  await own.unfederate('other.org');
  await updated;
  assert.throws(verify, { name: 'SpiffeTlsError' });
});

test('D12 federation over the control socket', async (context) => {
  const { own, other } = await startBoth(context);
  const control = createControlClient(own.controlSocket);
  await control.federate('other.org', await createControlClient(other.controlSocket).bundleDocument());
  assert.deepEqual(Object.keys(await watchX509(context, own, 'web')()), [OTHER]);
  await control.register({ name: 'job', federatesWith: ['other.org'] });
  assert.deepEqual(Object.keys(await watchX509(context, own, 'job')()), [OTHER]);
  await control.unfederate('other.org');
  assert.deepEqual((await control.status()).federatesWith, []);
});

const refusedDocuments: readonly [name: string, trustDomain: string, document: string, message: RegExp][] = [
  ['the own trust domain', 'example.org', '{"keys":[]}', /another trust domain/],
  ['a name that is none', 'Other.org', '{"keys":[]}', /federation/],
  ['no JSON', 'other.org', '{', /must be JSON/],
  ['a list', 'other.org', '[]', /JSON object/],
  ['no keys', 'other.org', '{}', /keys must be a list/],
  ['a certificate that is none', 'other.org', '{"keys":[{"use":"x509-svid","x5c":["AAAA"]}]}', /no certificate/],
  ['x5c that is text', 'other.org', '{"keys":[{"use":"x509-svid","x5c":"AAAA"}]}', /x5c must hold/],
  ['a JWT key without kid', 'other.org', '{"keys":[{"use":"jwt-svid","kty":"EC"}]}', /kid/],
  ['a member that is no text', 'other.org', '{"keys":[{"use":"jwt-svid","kty":"EC","kid":"a","x":1}]}', /x must be/],
];

test('D18 documents that break a rule are refused and change nothing', async (context) => {
  const { own, other } = await startBoth(context);
  await own.federate('other.org', await other.bundleDocument());
  const control = createControlClient(own.controlSocket);
  for (const [name, trustDomain, document, message] of refusedDocuments)
    await assert.rejects(control.federate(trustDomain, document), { code: 'BUNDLE', message }, name);
  await assert.rejects(own.federate('other.org', `{"keys":[]${' '.repeat(1_048_576)}}`), {
    code: 'BUNDLE',
    message: /1048576/,
  });
  await assert.rejects(own.unfederate('third.org'), {
    code: 'BUNDLE',
    message: /"third.org"; there is with other.org/,
  });
  assert.deepEqual(Object.keys(await watchX509(context, own, 'web')()), [OTHER]);
});

test('D18 entries of another use or type are passed over; the rest of x5c and private members are not taken', async (context) => {
  const { own, other } = await startBoth(context);
  const document = JSON.parse(await other.bundleDocument());
  const [x509, jwt] = document.keys;
  const keys = [
    { ...x509, x5c: [...x509.x5c, 'AAAA'] },
    { use: 'x509-svid', kty: 'EC' },
    { use: 'wit-svid', kty: 'EC', kid: 'w' },
    { kty: 'OKP', use: 'jwt-svid' },
    'text',
    { ...jwt, d: 'secret' },
  ];
  await own.federate('other.org', JSON.stringify({ keys }));
  const [x509Bundles, jwtBundles] = await watchBundles(context, own, 'web')();
  assert.equal(splitCertificates(x509Bundles[OTHER] ?? Buffer.alloc(0)).length, 1);
  assert.deepEqual(JSON.parse(String(jwtBundles[OTHER])).keys, [jwt]);
});

interface Answer {
  readonly status: number | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
  /** As presented, leaf first. */
  readonly chain: readonly Uint8Array[];
}

/** One request on a connection of its own; with `ca` and a name, the way browsers verify. */
function ask(url: string, options: { method?: string; path?: string; ca?: string } = {}): Promise<Answer> {
  const { method = 'GET', path = '/', ca } = options;
  const tls = ca === undefined ? { rejectUnauthorized: false } : { ca, servername: 'localhost' };
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, url), { method, agent: false, ...tls }, (response) => {
      const { socket } = response;
      const chain: Uint8Array[] = [];
      if (socket instanceof TLSSocket)
        for (let each = socket.getPeerX509Certificate(); each !== undefined; each = each.issuerCertificate)
          chain.push(each.raw);
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode, contentType: response.headers['content-type'], body, chain }),
      );
    });
    outgoing.on('error', reject).end();
  });
}

function verifyBy(document: string, chain: readonly Uint8Array[]): string {
  const certificates = JSON.parse(document).keys.flatMap(({ x5c = [] }: { x5c?: string[] }) => x5c.slice(0, 1));
  const der = Buffer.concat(certificates.map((text: string) => Buffer.from(text, 'base64')));
  const bundles = X509BundleSet.of(X509Bundle.fromDer(TrustDomain.parse('example.org'), der));
  return verifyX509Svid({ chain, bundles, nowMs: Date.now() }).id.toString();
}

async function endpointOf(trustDomain: DevTrustDomain) {
  const [endpoint] = (await trustDomain.status()).bundleEndpoints;
  assert.ok(endpoint);
  return endpoint;
}

test('D18 https_spiffe: the endpoint serves the present bundle, and is what its SPIFFE ID says, over rotations', async (context) => {
  const trustDomain = await startTemporary(context, {
    bundleEndpoints: [{ profile: 'https_spiffe' }],
    intermediates: 1,
  });
  const { url, spiffeId } = await endpointOf(trustDomain);
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+\/$/);
  const first = await ask(url);
  assert.deepEqual([first.status, first.contentType], [200, 'application/json; charset=utf-8']);
  assert.equal(first.body, await trustDomain.bundleDocument());
  assert.equal(first.chain.length, 2);
  assert.equal(verifyBy(first.body, first.chain), spiffeId);
  assert.equal(spiffeId, 'spiffe://example.org/bundle-endpoint');

  await trustDomain.rotateCa({ dropAfterMs: 0 });
  await trustDomain.whenOldRootsDropped();
  const second = await ask(url);
  assert.equal(verifyBy(second.body, second.chain), spiffeId);
  assert.throws(() => verifyBy(first.body, second.chain), { name: 'SpiffeTlsError' });
});

test('D18 the document has what the standard asks for, and its sequence grows with each change alone', async (context) => {
  const trustDomain = await startTemporary(context, { bundleEndpoints: [{ profile: 'https_spiffe' }] });
  const { url } = await endpointOf(trustDomain);
  const read = async () => JSON.parse((await ask(url)).body);
  const first = await read();
  const [x509, jwt, ...others] = first.keys;
  assert.deepEqual(others, []);
  assert.deepEqual(Object.keys(x509).sort(), ['crv', 'kty', 'use', 'x', 'x5c', 'y']);
  assert.deepEqual([x509.use, x509.x5c.length], ['x509-svid', 1]);
  assert.deepEqual(Object.keys(jwt).sort(), ['crv', 'kid', 'kty', 'use', 'x', 'y']);
  assert.ok(Number.isInteger(first.spiffe_refresh_hint) && first.spiffe_refresh_hint > 0);
  assert.deepEqual(await read(), first);
  await trustDomain.rotate();
  assert.deepEqual(await read(), first);
  await trustDomain.rotateJwt({ dropAfterMs: 3_600_000 });
  const second = await read();
  assert.ok(second.spiffe_sequence > first.spiffe_sequence);
  assert.equal(second.keys.length, 3);
});

test('D18 https_web: the web’s CAs vouch for the endpoint, and a client that does not trust them is refused', async (context) => {
  const { caPem: ca, ...certificate } = await createWebCertificate();
  const web = { profile: 'https_web', ...certificate } as const;
  const trustDomain = await startTemporary(context, { bundleEndpoints: [web] });
  const { url, profile, spiffeId } = await endpointOf(trustDomain);
  assert.deepEqual([profile, spiffeId], ['https_web', undefined]);
  const { body } = await ask(url, { ca: ca });
  assert.equal(body, await trustDomain.bundleDocument());
  const own = JSON.parse(body).keys[0].x5c[0];
  await assert.rejects(ask(url, { ca: toPem('CERTIFICATE', Buffer.from(own, 'base64')) }), /certificate/);
  await trustDomain.rotateCa({ dropAfterMs: 0 });
  assert.equal((await ask(url, { ca: ca })).status, 200);
});

test('D18 the endpoint answers GET and HEAD of one path', async (context) => {
  const trustDomain = await startTemporary(context, { bundleEndpoints: [{ profile: 'https_spiffe' }] });
  const { url } = await endpointOf(trustDomain);
  for (const [method, path, expected] of [
    ['HEAD', '/', 200],
    ['POST', '/', 405],
    ['DELETE', '/', 405],
    ['GET', '/v1/status', 404],
    ['GET', '/?x', 404],
  ] as const) {
    const { status: answered, body } = await ask(url, { method, path });
    assert.deepEqual([answered, body], [expected, ''], `${method} ${path}`);
  }
});

test('D18 TLS is of Mozilla’s intermediate profile: older versions and weaker suites are refused', async (context) => {
  const trustDomain = await startTemporary(context, { bundleEndpoints: [{ profile: 'https_spiffe' }] });
  const { hostname: host, port } = new URL((await endpointOf(trustDomain)).url);
  const handshake = (options: ConnectionOptions) =>
    new Promise<string | null>((resolve, reject) => {
      const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false, ...options }, () => {
        resolve(socket.getProtocol());
        socket.destroy();
      });
      socket.once('error', reject);
    });
  assert.equal(await handshake({}), 'TLSv1.3');
  assert.equal(await handshake({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), 'TLSv1.2');
  for (const [name, options] of Object.entries<ConnectionOptions>({
    'TLS 1.1': { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    'CBC with SHA-1': { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
    'no forward secrecy': { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
  }))
    await assert.rejects(handshake(options), /alert|handshake|ECONNRESET/, name);
});

test('D18 the endpoint renews its SVID before it expires', async (context) => {
  const clock = createManualClock();
  const trustDomain = await startTemporary(context, {
    clock,
    bundleEndpoints: [{ profile: 'https_spiffe' }],
    svidTtlMs: 60_000,
    rotateAtFraction: 0.2,
  });
  const { url } = await endpointOf(trustDomain);
  const [before] = (await ask(url)).chain;
  await clock.waitedFor(12_000);
  clock.advance(12_000);
  // The next wait begins when the renewal is done.
  await clock.waitedFor(12_000);
  const [after] = (await ask(url)).chain;
  assert.notDeepEqual(after, before);
});

test('D18 an endpoint that can not be opened stops the start', async (context) => {
  const bad = { profile: 'https_web', certificatePem: 'none', keyPem: 'none' } as const;
  await assert.rejects(startTemporary(context, { bundleEndpoints: [bad] }), { code: 'CONFIGURATION' });
  const first = await startTemporary(context, { bundleEndpoints: [{ profile: 'https_spiffe' }] });
  const port = Number(new URL((await endpointOf(first)).url).port);
  await assert.rejects(startTemporary(context, { bundleEndpoints: [{ profile: 'https_spiffe', port }] }), {
    code: 'SOCKET',
    message: /EADDRINUSE/,
  });
});
