/**
 * Bundle endpoints over real TLS, in both profiles: who is asked, and which answers are believed.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createManualClock, createTestCa, type IssuedSvid, KeyPurpose } from '@countersign/testkit';
import { answer, serving, startEndpoint, type TestEndpoint } from '../test/bundle-endpoint-fixture.ts';
import { createAuthorities } from '../test/bundle-fixture.ts';
import type { SpiffeBundle } from './bundle-document.ts';
import type { BundleEndpointProfile } from './bundle-endpoint-tls.ts';
import type { SpiffeTlsErrorCode } from './errors.ts';
import { type FetchBundleOptions, fetchBundle } from './fetch-bundle.ts';
import { MAX_BUNDLE_BYTES } from './jwt-bundle.ts';
import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';
import { X509BundleSet } from './x509-bundle.ts';

const trustDomain = TrustDomain.parse('partner.example');
const partner = await createAuthorities('partner.example');
const document = partner.document({ spiffe_sequence: 5 });
const webCa = await createTestCa({ trustDomain: 'web.example' });
const webCert = await webCa.issue({ uris: [], dnsNames: ['localhost'] });
const endpointSvid = await partner.ca.issue({ path: '/bundle-endpoint' });
const web: BundleEndpointProfile = { type: 'https_web', ca: webCa.pem };
const spiffe: BundleEndpointProfile = {
  type: 'https_spiffe',
  endpointId: SpiffeId.parse('spiffe://partner.example/bundle-endpoint'),
};
const bundles = X509BundleSet.of(partner.ca.bundle());

function fetchFrom(
  endpointUrl: string,
  profile: BundleEndpointProfile = web,
  options: FetchBundleOptions = {},
): Promise<SpiffeBundle> {
  return fetchBundle({ trustDomain, endpointUrl, profile }, { bundles, ...options });
}

async function refused(
  endpoint: TestEndpoint,
  code: SpiffeTlsErrorCode,
  profile: BundleEndpointProfile = web,
  options: FetchBundleOptions = {},
): Promise<void> {
  await assert.rejects(fetchFrom(endpoint.url, profile, options), { name: 'SpiffeTlsError', code });
}

test('L74 https_web: a certificate for the host by an authority of the web', async (t) => {
  const endpoint = await startEndpoint(t, webCert, serving(document));
  const bundle = await fetchFrom(endpoint.url);
  assert.deepEqual([bundle.trustDomain.name, bundle.sequence], ['partner.example', 5n]);
  assert.ok(bundle.x509.equals(partner.ca.bundle()));
});

test('L74 L76 https_spiffe: an SVID with exactly the expected ID, whatever the host name', async (t) => {
  const endpoint = await startEndpoint(t, endpointSvid, serving(document));
  for (const host of ['localhost', '127.0.0.1']) {
    assert.equal((await fetchFrom(endpoint.url.replace('localhost', host), spiffe)).sequence, 5n);
  }
});

test('L74 https_spiffe speaks TLS 1.2 as well', async (t) => {
  const endpoint = await startEndpoint(t, endpointSvid, serving(document), { maxVersion: 'TLSv1.2' });
  assert.equal((await fetchFrom(endpoint.url, spiffe)).sequence, 5n);
});

const otherCa = await createTestCa({ trustDomain: 'partner.example' });
const wrongServers: ReadonlyArray<
  readonly [string, BundleEndpointProfile, SpiffeTlsErrorCode, Parameters<typeof startEndpoint>[1], FetchBundleOptions?]
> = [
  ['L74 https_web without its authority', { type: 'https_web' }, 'BUNDLE_ENDPOINT', webCert],
  [
    'L74 https_web for another host',
    web,
    'BUNDLE_ENDPOINT',
    await webCa.issue({ uris: [], dnsNames: ['other.example'] }),
  ],
  ['L74 https_web shown an SVID: no falling back', web, 'BUNDLE_ENDPOINT', endpointSvid],
  ['L74 https_spiffe shown a web certificate: no falling back', spiffe, 'URI_SAN_COUNT', webCert],
  ['L76 https_spiffe with another ID', spiffe, 'PEER_NOT_AUTHORIZED', await partner.ca.issue({ path: '/other' })],
  [
    'L76 https_spiffe with an ID below',
    spiffe,
    'PEER_NOT_AUTHORIZED',
    await partner.ca.issue({ path: '/bundle-endpoint/x' }),
  ],
  ['L76 https_spiffe by another CA', spiffe, 'UNTRUSTED_CHAIN', await otherCa.issue({ path: '/bundle-endpoint' })],
  ['L76 https_spiffe without bundle', spiffe, 'NO_BUNDLE', endpointSvid, { bundles: X509BundleSet.of() }],
  [
    'L76 https_spiffe that may not be a server',
    spiffe,
    'EXTENDED_KEY_USAGE',
    await partner.ca.issue({ path: '/bundle-endpoint', extendedKeyUsage: [KeyPurpose.clientAuth] }),
  ],
  [
    'L76 https_spiffe expired',
    spiffe,
    'EXPIRED',
    await partner.ca.issue({ path: '/bundle-endpoint', notAfter: new Date(Date.now() - 60_000) }),
  ],
];

for (const [name, profile, code, issued, options] of wrongServers) {
  test(`${name} is sent nothing`, async (t) => {
    const endpoint = await startEndpoint(t, issued, serving(document));
    await refused(endpoint, code, profile, options);
    assert.deepEqual(endpoint.requests, []);
  });
}

test('L74 NODE_TLS_REJECT_UNAUTHORIZED opens neither profile', async (t) => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  const endpoint = await startEndpoint(t, webCert, serving(document));
  await refused(endpoint, 'BUNDLE_ENDPOINT', { type: 'https_web' });
  await refused(endpoint, 'URI_SAN_COUNT', spiffe);
  assert.deepEqual(endpoint.requests, []);
});

const json = { 'content-type': 'application/json' };
const page = '<html>not here</html>';
const answers: ReadonlyArray<readonly [string, SpiffeTlsErrorCode, TestEndpoint['respond']]> = [
  ['T34 404 with a valid document', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 404, json, document)],
  ['T34 500 with a valid document', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 500, json, document)],
  ['T34 204', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 204)],
  ['T34 206 with a valid document', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 206, json, document)],
  ['T34 304', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 304)],
  ['T34 a page of HTML', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 200, { 'content-type': 'text/html' }, page)],
  [
    'T34 a document called HTML',
    'BUNDLE_ENDPOINT',
    (_, to) => answer(to, 200, { 'content-type': 'text/html' }, document),
  ],
  ['T34 HTML called a document', 'INVALID_BUNDLE', (_, to) => answer(to, 200, json, page)],
  ['L80 no type', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 200, {}, document)],
  [
    'L80 a type that only begins alike',
    'BUNDLE_ENDPOINT',
    (_, to) => answer(to, 200, { 'content-type': 'application/jsonp' }, document),
  ],
  ['T34 more than 1 MiB', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 200, json, Buffer.alloc(MAX_BUNDLE_BYTES + 1, ' '))],
  ['L80 a body cut short', 'BUNDLE_ENDPOINT', (_, to) => cutShort(to)],
  ['L75 a redirect without address', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 302)],
  ['L75 T34 a redirect to http', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 302, { location: 'http://localhost/' })],
  [
    'L75 a redirect with a user name',
    'BUNDLE_ENDPOINT',
    (_, to) => answer(to, 302, { location: 'https://u@localhost/' }),
  ],
  ['L75 a redirect to a file', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 302, { location: 'file:///etc/passwd' })],
  ['L75 redirects in a circle', 'BUNDLE_ENDPOINT', (_, to) => answer(to, 307, { location: '/' })],
];

function cutShort(response: Parameters<TestEndpoint['respond']>[1]): void {
  response.writeHead(200, { ...json, 'content-length': '9999' });
  response.write(document, () => response.destroy());
}

for (const [name, code, respond] of answers) {
  test(`${name} is no bundle`, async (t) => refused(await startEndpoint(t, webCert, respond), code));
}

test('L80 an endless answer is given up at the bound', async (t) => {
  const endpoint = await startEndpoint(t, webCert, (_, response) => {
    response.writeHead(200, json);
    const pour = () => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
    };
    response.on('drain', pour);
    pour();
  });
  await refused(endpoint, 'BUNDLE_ENDPOINT');
});

test('L80 the bound of time holds for the whole exchange', async (t) => {
  for (const silent of [
    () => {},
    (_: unknown, response: Parameters<TestEndpoint['respond']>[1]) => response.writeHead(200, json).write('{'),
  ]) {
    const clock = createManualClock();
    const endpoint = await startEndpoint(t, webCert, (request, response) => {
      silent(request, response);
      clock.advance(10_000);
    });
    await assert.rejects(fetchFrom(endpoint.url, web, { clock }), {
      code: 'BUNDLE_ENDPOINT',
      message: /within 10000 ms/,
    });
    assert.deepEqual(clock.pending(), []);
  }
});

test('aborted before or during the exchange, fetching ends and leaves no timer', async (t) => {
  const clock = createManualClock();
  const aborting = new AbortController();
  const endpoint = await startEndpoint(t, webCert, () => aborting.abort());
  const options = { clock, signal: aborting.signal };
  await refused(endpoint, 'SOURCE_CLOSED', web, options);
  await refused(endpoint, 'SOURCE_CLOSED', web, options);
  assert.equal(endpoint.requests.length, 1);
  assert.deepEqual(clock.pending(), []);
});

/** An endpoint that redirects to another one. */
async function redirecting(t: TestContext, from: Parameters<typeof startEndpoint>[1], to: TestEndpoint, status = 302) {
  return startEndpoint(t, from, (_, response) => answer(response, status, { location: to.url }));
}

const bothProfiles: ReadonlyArray<{ profile: BundleEndpointProfile; issued: IssuedSvid }> = [
  { profile: web, issued: webCert },
  { profile: spiffe, issued: endpointSvid },
];

test('L75 redirects are followed where the same verification holds', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const { profile, issued } of bothProfiles) {
      const target = await startEndpoint(t, issued, serving(document));
      const first = await redirecting(t, issued, target, status);
      assert.equal((await fetchFrom(first.url, profile)).sequence, 5n);
      assert.equal((await fetchFrom(first.url, profile)).sequence, 5n);
      // Even a permanent one is temporary: each question begins at the configured address.
      assert.deepEqual([first.requests.length, target.requests.length], [2, 2]);
    }
  }
});

test('L75 T34 a redirect to a server with another ID, or of another authority, is not followed', async (t) => {
  const other = await startEndpoint(t, await partner.ca.issue({ path: '/other' }), serving(document));
  await refused(await redirecting(t, endpointSvid, other), 'PEER_NOT_AUTHORIZED', spiffe);
  const untrusted = await startEndpoint(t, endpointSvid, serving(document));
  await refused(await redirecting(t, webCert, untrusted), 'BUNDLE_ENDPOINT', web);
  const webServer = await startEndpoint(t, webCert, serving(document));
  await refused(await redirecting(t, endpointSvid, webServer), 'URI_SAN_COUNT', spiffe);
  for (const target of [other, untrusted, webServer]) assert.deepEqual(target.requests, []);
});

for (const [name, address] of [
  ['http', 'http://localhost/'],
  ['a user name', 'https://user@localhost/'],
  ['a password', 'https://user:secret@localhost/'],
  ['no scheme', 'localhost/bundle'],
  ['nothing', ''],
  ['another scheme', 'spiffe://partner.example'],
] as const) {
  test(`L75 refuses an address with ${name}`, async () => {
    await assert.rejects(fetchFrom(address), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'BUNDLE_ENDPOINT');
      assert.match(error.message, /address must/);
      assert.equal(error.message.includes('secret'), false);
      return true;
    });
  });
}

test('an endpoint that is not there is told as such, without the query of its address', async (t) => {
  const endpoint = await startEndpoint(t, webCert, (request) => request.socket.destroy());
  await assert.rejects(fetchFrom(`${endpoint.url}b?token=secret`), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'BUNDLE_ENDPOINT');
    assert.match(error.message, /https:\/\/localhost:\d+\/b" must answer/);
    assert.equal(error.message.includes('secret'), false);
    return true;
  });
});
