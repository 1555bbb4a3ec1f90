import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpiffeTlsError } from './errors.ts';
import { parseWorkloadEndpoint, resolveWorkloadEndpoint } from './workload-endpoint.ts';

const accepted: readonly [name: string, text: string, target: string][] = [
  ['unix with three slashes', 'unix:///run/spire/agent.sock', 'unix:/run/spire/agent.sock'],
  ['unix with one slash', 'unix:/run/spire/agent.sock', 'unix:/run/spire/agent.sock'],
  ['a scheme in capitals', 'UNIX:///run/agent.sock', 'unix:/run/agent.sock'],
  ['a blank, encoded', 'unix:///home/jane%20doe/a.sock', 'unix:/home/jane doe/a.sock'],
  ['a path of 107 bytes', `unix:///${'a'.repeat(106)}`, `unix:/${'a'.repeat(106)}`],
  ['tcp with IPv4', 'tcp://127.0.0.1:8081', 'ipv4:127.0.0.1:8081'],
  ['tcp with IPv6', 'tcp://[::1]:8081', 'ipv6:[::1]:8081'],
];

for (const [name, text, target] of accepted) {
  test(`L51 accepts ${name}`, () => {
    assert.equal(parseWorkloadEndpoint(text).target, target);
  });
}

const refused: readonly [name: string, text: string][] = [
  ['no scheme', '/run/agent.sock'],
  ['another scheme', 'http://127.0.0.1:8081'],
  ['npipe', 'npipe:spire'],
  ['unix with an authority', 'unix://host/run/agent.sock'],
  ['unix with a relative path', 'unix:run/agent.sock'],
  ['unix with two slashes and a relative path', 'unix://run'],
  ['unix without a path', 'unix:'],
  ['unix with only slashes', 'unix:///'],
  ['unix with four slashes', 'unix:////run/agent.sock'],
  ['unix with a directory', 'unix:///run/'],
  ['unix with a query', 'unix:///run/a.sock?x=1'],
  ['unix with a fragment', 'unix:///run/a.sock#x'],
  ['unix with NUL', 'unix:///run/a%00.sock'],
  ['unix with a malformed encoding', 'unix:///run/%zz'],
  ['unix with 108 bytes', `unix:///${'a'.repeat(107)}`],
  ['unix with 108 bytes in 55 characters', `unix:///${'é'.repeat(54)}`],
  ['tcp with a path', 'tcp://127.0.0.1:8081/'],
  ['tcp with a name', 'tcp://localhost:8081'],
  ['tcp without a port', 'tcp://127.0.0.1'],
  ['tcp with port 0', 'tcp://127.0.0.1:0'],
  ['tcp with port 65536', 'tcp://127.0.0.1:65536'],
  ['tcp with userinfo', 'tcp://me@127.0.0.1:8081'],
  ['tcp with a query', 'tcp://127.0.0.1:8081?x'],
  ['tcp with a short IPv4', 'tcp://127.1:8081'],
  ['tcp with IPv6 without brackets', 'tcp://::1:8081'],
  ['tcp with an IPv6 zone', 'tcp://[fe80::1%25eth0]:8081'],
  ['tcp without slashes', 'tcp:127.0.0.1:8081'],
  ['nothing', ''],
];

for (const [name, text] of refused) {
  test(`L51 refuses ${name}`, () => {
    assert.throws(() => parseWorkloadEndpoint(text), { name: 'SpiffeTlsError', code: 'INVALID_ENDPOINT' });
  });
}

test('L50 an explicit address wins over the environment', () => {
  const env = { SPIFFE_ENDPOINT_SOCKET: 'unix:///env.sock' };
  assert.deepEqual(resolveWorkloadEndpoint({ endpoint: 'unix:///explicit.sock', env }), {
    kind: 'unix',
    path: '/explicit.sock',
    target: 'unix:/explicit.sock',
  });
  assert.equal(resolveWorkloadEndpoint({ env }).target, 'unix:/env.sock');
});

test('L50 without an address the error names the variable', () => {
  for (const options of [{}, { env: {} }, { env: { SPIFFE_ENDPOINT_SOCKET: '' } }]) {
    assert.throws(
      () => resolveWorkloadEndpoint(options),
      (error) =>
        error instanceof SpiffeTlsError &&
        error.code === 'INVALID_ENDPOINT' &&
        error.message.includes('SPIFFE_ENDPOINT_SOCKET'),
    );
  }
});
