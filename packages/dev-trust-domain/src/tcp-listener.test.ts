/**
 * The Workload API on TCP: only where it was asked for, only on loopback, under the same rules as on the socket.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createWorkloadApiX509Source, parseWorkloadEndpoint } from '@countersign/spiffe-tls';
import { SpiffeWorkloadAPIClient } from '@countersign/spiffe-tls/workload-api-proto';
import { ChannelCredentials as credentials, Metadata, status } from '@grpc/grpc-js';
import { registrationOf, startTemporary } from '../test/temporary.ts';
import { reader } from '../test/workload-client.ts';
import { createControlClient } from './control-client.ts';
import type { DevTrustDomain } from './dev-trust-domain.ts';
import { parseTcpListener } from './tcp-listener.ts';

const onTcp = [registrationOf('web', { dangerouslyListenOnTcp: { port: 0 } }), registrationOf('job')];

async function tcpOf(trustDomain: DevTrustDomain, name: string): Promise<string | undefined> {
  return (await trustDomain.status()).workloads.find((each) => each.name === name)?.tcp;
}

async function startOnTcp(context: TestContext) {
  const trustDomain = await startTemporary(context, { registrations: onTcp });
  const endpoint = await tcpOf(trustDomain, 'web');
  assert.ok(endpoint !== undefined);
  return { trustDomain, endpoint };
}

test('D1 L53 a workload’s endpoint on loopback, in plain text: the library gets its SVID there, and its rotations', async (context) => {
  const { trustDomain, endpoint } = await startOnTcp(context);
  assert.match(endpoint, /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert.equal(await tcpOf(trustDomain, 'job'), undefined);
  await using source = createWorkloadApiX509Source({ endpoint });
  const { svid } = await source.ready();
  assert.equal(svid.id.toString(), 'spiffe://example.org/web');
  const updated = new Promise((resolve) => source.subscribe(({ type }) => type === 'update' && resolve(type)));
  await trustDomain.rotate('web');
  await updated;
  assert.notEqual(source.current().svid.leaf.serialNumber, svid.leaf.serialNumber);
});

test('D2 on TCP too, a call without the security header is InvalidArgument', async (context) => {
  const { endpoint } = await startOnTcp(context);
  const client = new SpiffeWorkloadAPIClient(parseWorkloadEndpoint(endpoint).target, credentials.createInsecure());
  context.after(() => client.close());
  const { code } = await reader(context, client.fetchX509Svid({}, new Metadata())).ended();
  assert.equal(code, status.INVALID_ARGUMENT);
});

test('T33 a proxy in the environment is not asked for the Workload API', async (context) => {
  const { endpoint } = await startOnTcp(context);
  let asked = 0;
  const proxy = createServer((socket) => {
    asked += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  context.after(() => proxy.close());
  await once(proxy, 'listening');
  const address = proxy.address();
  assert.ok(address !== null && typeof address === 'object');
  for (const variable of ['http_proxy', 'https_proxy', 'grpc_proxy']) {
    const before = process.env[variable];
    process.env[variable] = `http://127.0.0.1:${address.port}`;
    context.after(() => {
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
    });
  }
  await using source = createWorkloadApiX509Source({ endpoint });
  assert.equal((await source.ready()).svid.id.path, '/web');
  assert.equal(asked, 0);
});

test('D1 a port that is taken stops the start', async (context) => {
  const { endpoint } = await startOnTcp(context);
  const port = Number(new URL(endpoint).port);
  const registrations = [registrationOf('web', { dangerouslyListenOnTcp: { port } })];
  await assert.rejects(startTemporary(context, { registrations }), {
    code: 'SOCKET',
    message: /EADDRINUSE|No address/,
  });
});

test('D1 a port is given at the start alone, not over the control socket', async (context) => {
  const control = createControlClient((await startTemporary(context)).controlSocket);
  const late = registrationOf('late', { dangerouslyListenOnTcp: { port: 0 } });
  await assert.rejects(control.register(late), { code: 'CONTROL_REQUEST', message: /dangerouslyListenOnTcp.*start/ });
});

test('D1 loopback of both families is taken; beyond it only when forced', () => {
  assert.equal(parseTcpListener({ port: 1 }).host, '127.0.0.1');
  for (const host of ['127.0.0.1', '127.9.9.9', '::1']) assert.equal(parseTcpListener({ host, port: 1 }).host, host);
  const forced = { host: '0.0.0.0', port: 1, dangerouslyBeyondLoopback: true };
  assert.deepEqual(parseTcpListener(forced), forced);
});

const refused: readonly [name: string, value: unknown, message: RegExp][] = [
  ['every address', { host: '0.0.0.0', port: 1 }, /loopback/],
  ['every IPv6 address', { host: '::', port: 1 }, /loopback/],
  ['an address of the network', { host: '192.0.2.1', port: 1 }, /loopback/],
  ['IPv4 loopback in IPv6 clothes', { host: '::ffff:127.0.0.1', port: 1 }, /loopback/],
  ['an address that only begins like loopback', { host: '127.0.0.1.example.org', port: 1 }, /IP address/],
  ['a name', { host: 'localhost', port: 1 }, /IP address/],
  ['no port', {}, /port/],
  ['a port that is text', { port: '1' }, /port/],
  ['port 65536', { port: 65_536 }, /port/],
  ['force that is text', { host: '0.0.0.0', port: 1, dangerouslyBeyondLoopback: 'false' }, /true or false/],
  ['an unknown field', { port: 1, force: true }, /"force"/],
  ['a number', 1, /object/],
];

for (const [name, value, message] of refused) {
  test(`D1 refuses ${name}`, () => {
    assert.throws(() => parseTcpListener(value), { code: 'REGISTRATION', message });
  });
}
