import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { createCa, createWorkload } from '../test/adapter-fixture.ts';
import { createSpiffeBundle } from './bundle-document.ts';
import { createBundleEndpointServer } from './bundle-endpoint.ts';

test('a bundle endpoint takes TLS 1.2, and no renegotiation over it', async (t) => {
  const ca = await createCa();
  const { source } = await createWorkload(ca, 'endpoint');
  const bundle = createSpiffeBundle({ trustDomain: ca.trustDomain, x509: ca.bundle() });
  const server = createBundleEndpointServer({ source, bundle: () => bundle });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const socket = connect({
    host: '127.0.0.1',
    port: address.port,
    maxVersion: 'TLSv1.2',
    ca: ca.pem,
    checkServerIdentity: () => undefined,
  });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  assert.equal(socket.getProtocol(), 'TLSv1.2');
  socket.renegotiate({}, () => {});
  const [error] = await once(socket, 'error');
  assert.match(String(error), /no renegotiation/i);
});
