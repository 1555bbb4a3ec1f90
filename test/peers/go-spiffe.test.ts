/**
 * go-spiffe, the reference: both ways over HTTPS and gRPC, tokens both ways, and federation with either side's endpoint.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { type DevTrustDomain, startDevTrustDomain } from '@countersign/dev-trust-domain';
import { type BundleEndpointProfile, fetchBundle, SpiffeTlsError, TrustDomain } from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import { interopTest, peerProgram } from './interop.ts';
import { testLanguagePeer } from './language-peer.ts';
import { sourceOf } from './our-side.ts';
import { askPeer, startPeer } from './peer-process.ts';
import { idOf } from './trust-domains.ts';

const peer = { name: 'go-spiffe', version: '2.9.0' };
const command = peerProgram('go-spiffe-interop');

testLanguagePeer({
  program: peer,
  command,
  commands: ['https-server', 'https-client', 'grpc-server', 'grpc-client', 'watch', 'jwt-fetch', 'jwt-validate'],
});

/** A trust domain with endpoints of both profiles, and a web certificate for either side's. */
interface Ground {
  readonly own: DevTrustDomain;
  readonly directory: string;
  readonly web: { readonly roots: string; readonly cert: string; readonly key: string; readonly pem: string };
}

let ground: Ground;

before(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-go-spiffe-'));
  const webCa = await createTestCa({ trustDomain: 'web.example' });
  const web = await webCa.issue({ dnsNames: ['localhost'] });
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const own = await startDevTrustDomain({
    trustDomain: 'example.org',
    runDirectory: join(directory, 'run'),
    registrations: (['client', 'server'] as const).map((name) => ({
      name,
      spiffeId: `${idOf(name)}`,
      dnsNames: [],
    })),
    bundleEndpoints: [
      { profile: 'https_spiffe' },
      { profile: 'https_web', certificatePem: web.certificatePem, keyPem: web.keyPem },
    ],
  });
  ground = {
    own,
    directory,
    web: {
      roots: file('roots.pem', webCa.pem),
      cert: file('web.pem', web.certificatePem),
      key: file('web-key.pem', web.keyPem),
      pem: webCa.pem,
    },
  };
});

after(async () => {
  await ground.own.close();
  rmSync(ground.directory, { recursive: true, force: true });
});

/** How go-spiffe is told to trust our endpoint. */
const theirOptions = {
  https_spiffe: (endpointId: string) => [
    ...['--workload-api', ground.own.socketOf('client'), '--authorize', endpointId],
  ],
  https_web: () => ['--web-roots', ground.web.roots],
} as const;

async function theirFetch(t: TestContext, profile: keyof typeof theirOptions, endpointId: string) {
  const { bundleEndpoints } = await ground.own.status();
  const url = bundleEndpoints.find((endpoint) => endpoint.profile === profile)?.url;
  assert.ok(url);
  // The web certificate is for a name.
  const address = profile === 'https_web' ? url.replace('127.0.0.1', 'localhost') : url;
  const args = ['bundle-fetch', '--trust-domain', 'example.org', '--address', address];
  return askPeer(t, { command, args: [...args, ...theirOptions[profile](endpointId)] });
}

for (const profile of ['https_spiffe', 'https_web'] as const) {
  interopTest({ peer, ours: 'bundle endpoint', what: profile, expected: 'accept' }, async (t) => {
    const seen = await theirFetch(t, profile, 'spiffe://example.org/bundle-endpoint');
    const { trustDomain, x509, jwt } = seen;
    assert.deepEqual([trustDomain, x509, jwt], ['example.org', 1, 1], JSON.stringify(seen));
    return 'a bundle with its X.509 and its JWT authority';
  });
}

interopTest(
  { peer, ours: 'bundle endpoint', what: 'https_spiffe, another ID expected', expected: 'refuse' },
  async (t) => {
    const { error } = await theirFetch(t, 'https_spiffe', 'spiffe://example.org/other');
    assert.match(String(error), /unexpected ID/);
    return 'refused by go-spiffe';
  },
);

/** Asks go-spiffe's endpoint, which serves with the identity of the workload `server` or with the web certificate. */
async function ourFetch(t: TestContext, profile: BundleEndpointProfile) {
  const web = ['--web-cert', ground.web.cert, '--web-key', ground.web.key];
  const identity = ['--workload-api', ground.own.socketOf('server'), '--trust-domain', 'example.org'];
  const server = startPeer(t, {
    command,
    args: ['bundle-server', ...identity, ...(profile.type === 'https_web' ? web : [])],
  });
  const { port } = await server.line((line) => line['event'] === 'listening', 'listening');
  const { bundles } = (await sourceOf(t, ground.own.socketOf('client'))).current();
  const trustDomain = TrustDomain.parse('example.org');
  return fetchBundle({ trustDomain, endpointUrl: `https://localhost:${Number(port)}/`, profile }, { bundles });
}

const ours = 'bundle endpoint client';

for (const [what, profile] of [
  ['https_web', (): BundleEndpointProfile => ({ type: 'https_web', ca: ground.web.pem })],
  ['https_spiffe', (): BundleEndpointProfile => ({ type: 'https_spiffe', endpointId: idOf('server') })],
] as const) {
  interopTest({ peer, ours, what, expected: 'accept' }, async (t) => {
    const bundle = await ourFetch(t, profile());
    assert.deepEqual([bundle.x509.authorities.length, bundle.jwt.keys.length], [1, 1]);
    return 'a bundle with its X.509 and its JWT authority';
  });
}

// T34: an endpoint that is somebody else is not asked.
interopTest({ peer, ours, what: 'https_spiffe, another ID expected', expected: 'refuse' }, async (t) => {
  const error = await ourFetch(t, { type: 'https_spiffe', endpointId: idOf('stranger') }).then(
    () => assert.fail('the endpoint must be refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SpiffeTlsError);
  assert.equal(error.code, 'PEER_NOT_AUTHORIZED');
  return error.code;
});
