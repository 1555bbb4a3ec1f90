/**
 * The modes that exercise clients: intermediates and every type of key, over real TLS between two workloads.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createServer, type TLSSocket } from 'node:tls';
import {
  createWorkloadApiX509Source,
  splitCertificates,
  verifyX509Svid,
  type X509Context,
  type X509Svid,
} from '@countersign/spiffe-tls';
import { startTemporary, temporaryDirectory } from '../test/temporary.ts';
import { connect, header, reader } from '../test/workload-client.ts';
import { KEY_TYPES } from './certificate-authority.ts';
import type { DevTrustDomain } from './dev-trust-domain.ts';

async function contextOf(context: TestContext, trustDomain: DevTrustDomain, name: string): Promise<X509Context> {
  const source = createWorkloadApiX509Source({ endpoint: trustDomain.socketOf(name) });
  context.after(() => source.close());
  return source.ready();
}

const optionsOf = (svid: X509Svid) => ({
  cert: svid.certificatePem,
  key: svid.privateKeyPem(),
  rejectUnauthorized: false,
});

/** The chain that a TLS client is sent by an OpenSSL server with this SVID, leaf first. */
async function chainOnTheWire(context: TestContext, server: X509Svid, client: X509Svid): Promise<Uint8Array[]> {
  const listener = createServer({ ...optionsOf(server), requestCert: true }, (socket) => socket.end());
  context.after(() => listener.close());
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket: TLSSocket = connectTls({ ...optionsOf(client), host: '127.0.0.1', port });
  await once(socket, 'secureConnect');
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  socket.destroy();
  return chain;
}

for (const keyType of KEY_TYPES) {
  for (const intermediates of [0, 1, 2]) {
    test(`D16 T2 ${keyType} below ${intermediates} intermediates: the chain goes over TLS and verifies by the root alone`, async (context) => {
      const trustDomain = await startTemporary(context, { keyType, intermediates });
      const web = await contextOf(context, trustDomain, 'web');
      const job = await contextOf(context, trustDomain, 'job');
      const { bundles, svid } = job;
      const [root, ...others] = bundles.get(svid.id.trustDomain)?.authorities ?? [];
      assert.deepEqual(others, []);
      assert.deepEqual(
        web.svid.chain.map(({ isCa }) => isCa),
        [false, ...Array(intermediates).fill(true)],
      );
      assert.ok(!web.svid.chain.some(({ fingerprint256 }) => fingerprint256 === root?.fingerprint256));
      const chain = await chainOnTheWire(context, web.svid, svid);
      assert.equal(chain.length, 1 + intermediates);
      assert.equal(verifyX509Svid({ chain, bundles, nowMs: Date.now() }).id.path, '/web');
    });
  }
}

test('D14 D16 an intermediate signs and does nothing else, and belongs to the trust domain', async (context) => {
  const trustDomain = await startTemporary(context, { intermediates: 2 });
  const { svid } = await contextOf(context, trustDomain, 'web');
  const [, first, second] = svid.chain;
  for (const intermediate of [first, second]) {
    assert.deepEqual([...(intermediate?.keyUsage ?? [])].sort(), ['cRLSign', 'keyCertSign']);
    assert.deepEqual(intermediate?.uriSans, ['spiffe://example.org']);
    assert.equal(intermediate.extendedKeyUsage, undefined);
  }
  assert.equal(svid.leaf.authorityKeyId, first?.subjectKeyId);
  assert.equal(first?.authorityKeyId, second?.subjectKeyId);
});

test('D16 without its intermediate a chain does not verify', async (context) => {
  const trustDomain = await startTemporary(context, { intermediates: 1 });
  const { svid, bundles } = await contextOf(context, trustDomain, 'web');
  assert.throws(() => verifyX509Svid({ chain: [svid.leaf.der], bundles, nowMs: Date.now() }), {
    name: 'SpiffeTlsError',
  });
});

test('D16 a rotation of the root brings new intermediates, and a stored root gets its own again', async (context) => {
  const caDirectory = await temporaryDirectory(context);
  const trustDomain = await startTemporary(context, { intermediates: 1, caDirectory });
  const stream = reader(context, connect(context, trustDomain, 'web').fetchX509Svid({}, header('true')));
  const intermediateIn = async () => {
    const { svids } = await stream.next();
    const [, intermediate] = splitCertificates(svids[0]?.x509Svid ?? Buffer.alloc(0));
    assert.ok(intermediate);
    return intermediate;
  };
  const before = await intermediateIn();
  await trustDomain.rotateCa({ dropAfterMs: 3_600_000 });
  assert.deepEqual(await intermediateIn(), before, 'first the bundle grows');
  assert.notDeepEqual(await intermediateIn(), before);
  const [active] = (await trustDomain.status()).authorities;
  await trustDomain.close();
  const again = await startTemporary(context, { intermediates: 1, caDirectory });
  assert.equal((await again.status()).authorities[0]?.serialNumber, active?.serialNumber);
  const { svid, bundles } = await contextOf(context, again, 'web');
  const chain = svid.chain.map(({ der }) => der);
  assert.equal(chain.length, 2);
  assert.equal(verifyX509Svid({ chain, bundles, nowMs: Date.now() }).id.path, '/web');
});

test('D16 an option of no use is refused', async (context) => {
  const refused = { name: 'DevTrustDomainError', code: 'CONFIGURATION' };
  await assert.rejects(startTemporary(context, { intermediates: 3 }), { ...refused, message: /intermediates.*got 3/ });
  await assert.rejects(startTemporary(context, { jwtTtlMs: 10 }), { ...refused, message: /jwtTtlMs/ });
});
