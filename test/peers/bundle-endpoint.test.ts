/**
 * Programs that know nothing of SPIFFE fetch our bundle from its endpoint, which is public: no client certificate, TLS 1.2 as
 * well. They verify the endpoint by its CA and a DNS SAN.
 */
import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { createBundleEndpointServer, createSpiffeBundle, parseBundleDocument } from '@countersign/spiffe-tls';
import { interopTest } from './interop.ts';
import { listenUntilEnd } from './listen.ts';
import { sourceOf } from './our-side.ts';
import { startPeer } from './peer-process.ts';
import { findProgram, identityOf, printed, runProgram, writeIdentity } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

const curl = findProgram('curl', ['--version'], /^curl (\d+\.\d+)/);
const openssl = findProgram('openssl', ['version'], /^OpenSSL (\d+\.\d+)/);
const ours = 'bundle endpoint';
const { trustDomain } = idOf('server');

let domains: PeerTrustDomains;
before(async () => {
  domains = await startTrustDomains();
});
after(() => domains.close());

async function serveBundle(t: TestContext): Promise<number> {
  const source = await sourceOf(t, domains.own.socketOf('server'));
  const bundle = () => {
    const x509 = source.current().bundles.get(trustDomain);
    assert.ok(x509);
    return createSpiffeBundle({ trustDomain, x509 });
  };
  const server = createBundleEndpointServer({ source, bundle });
  return listenUntilEnd(t, server);
}

async function fetch(t: TestContext, port: number, args: readonly string[], name = 'server.example.org') {
  const { bundle } = await writeIdentity(t, await identityOf(domains.own.socketOf('client')));
  const address = ['--connect-to', `::127.0.0.1:${port}`, `https://${name}:${port}/`];
  const options = ['--silent', '--show-error', '--fail', '--cacert', bundle, ...args];
  return runProgram(t, { command: curl.command, args: [...options, ...address] });
}

for (const [what, args] of [
  ['over TLS 1.3', ['--tlsv1.3']],
  ['over TLS 1.2', ['--tlsv1.2', '--tls-max', '1.2']],
] as const) {
  interopTest({ peer: curl.program, ours, what, expected: 'accept' }, async (t) => {
    const { code, text } = await fetch(t, await serveBundle(t), args);
    assert.equal(code, 0, text);
    const { x509 } = parseBundleDocument(trustDomain, Buffer.from(text));
    assert.equal(x509?.toPem(), (await identityOf(domains.own.socketOf('server'))).bundlePem);
    return 'the bundle of example.org';
  });
}

interopTest({ peer: curl.program, ours, what: 'TLS 1.1 at most', expected: 'refuse' }, async (t) => {
  const args = ['--tlsv1.1', '--tls-max', '1.1', '--ciphers', 'ALL:@SECLEVEL=0'];
  const { code, text } = await fetch(t, await serveBundle(t), args);
  assert.notEqual(code, 0);
  assert.match(text, /alert protocol version/);
  return 'no common TLS version';
});

interopTest({ peer: openssl.program, ours, what: 'renegotiation over TLS 1.2', expected: 'refuse' }, async (t) => {
  const port = await serveBundle(t);
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2'];
  const connection = startPeer(t, { command: openssl.command, args, stdin: true });
  await printed(connection, /^New, TLSv1\.2/);
  // A command of s_client's: a new handshake in the same connection.
  connection.send('R\n');
  await printed(connection, /RENEGOTIATING/);
  await printed(connection, /no renegotiation|unexpected message|handshake failure/i);
  return 'no renegotiation';
});
