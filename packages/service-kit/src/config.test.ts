import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeSettings, loadConfig } from './config.ts';
import { ConfigError } from './config-error.ts';
import {
  formatAddress,
  parseDialAddress,
  parseHttpsOrigin,
  parseIdentifier,
  parseListenAddress,
  parseOneOf,
  parseSwitch,
  parseWorkloadId,
} from './setting-types.ts';

const settings = {
  address: {
    variable: 'HTTP_ADDRESS',
    describes: 'where to listen',
    fallback: '127.0.0.1:8080',
    parse: parseListenAddress,
  },
  peer: { variable: 'PEER_SPIFFE_ID', describes: 'who to call', parse: parseWorkloadId },
} as const;

const PEER = 'spiffe://example.org/backend';

function problemsOf(env: Record<string, string>, args: string[] = []): readonly string[] {
  try {
    loadConfig(settings, { env, args });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.problems;
  }
  return [];
}

describe('where values come from', () => {
  test('the environment', () => {
    const config = loadConfig(settings, { env: { HTTP_ADDRESS: '[::1]:1', PEER_SPIFFE_ID: PEER }, args: [] });
    assert.deepEqual(config.address, { host: '::1', port: 1 });
    assert.equal(config.peer.toString(), PEER);
  });
  test('a flag wins, in either form', () => {
    const env = { HTTP_ADDRESS: '127.0.0.1:1', PEER_SPIFFE_ID: 'spiffe://example.org/x' };
    const args = ['--http-address=127.0.0.1:2', '--peer-spiffe-id', PEER];
    const config = loadConfig(settings, { env, args });
    assert.deepEqual([config.address.port, config.peer.toString()], [2, PEER]);
  });
  test('the default, also for an empty variable', () => {
    const config = loadConfig(settings, { env: { HTTP_ADDRESS: '', PEER_SPIFFE_ID: PEER }, args: [] });
    assert.equal(config.address.port, 8080);
  });
});

describe('what stops the start', () => {
  test('every problem is said at once, each with its variable', () => {
    assert.deepEqual(problemsOf({ HTTP_ADDRESS: 'nowhere' }, ['--htp-address=1', 'serve', '--peer-spiffe-id']), [
      '--htp-address is not a setting of this program; see --help',
      '"serve" is not a flag',
      '--peer-spiffe-id needs a value',
      'HTTP_ADDRESS must be host:port with a port from 0 to 65535, such as 127.0.0.1:8080, got "nowhere"',
      'PEER_SPIFFE_ID is required: who to call',
    ]);
  });
  test('an invalid SPIFFE ID, quoted and cut', () => {
    const [problem] = problemsOf({ PEER_SPIFFE_ID: `spiffe://Example.org/${'x'.repeat(500)}` });
    assert.match(problem ?? '', /^PEER_SPIFFE_ID .*got "spiffe:\/\/Example\.org\/x+…"$/);
  });
});

const refused: Array<[string, (text: string) => unknown, string[]]> = [
  [
    'an address to listen on',
    parseListenAddress,
    [
      '',
      '8080',
      ':8080',
      '127.0.0.1',
      '127.0.0.1:',
      '127.0.0.1:65536',
      '127.0.0.1:-1',
      '127.0.0.1:1e3',
      '::1:80',
      '[::1]',
      '[127.0.0.1]:80',
      '1.2.3:80',
      '256.1.1.1:80',
      'http://a:80',
      'a b:80',
      'user@a:80',
      `${'a'.repeat(254)}:80`,
    ],
  ],
  ['an address to connect to', parseDialAddress, ['127.0.0.1:0']],
  [
    'an https origin',
    parseHttpsOrigin,
    ['', 'backend:8443', 'http://a', 'https://a/path', 'https://a/?q', 'https://u:p@a', 'https://a#f'],
  ],
  [
    'a workload',
    parseWorkloadId,
    [
      '',
      'spiffe://example.org',
      'spiffe://example.org/',
      'https://example.org/x',
      'spiffe://Example.org/x',
      'spiffe://example.org/../x',
    ],
  ],
  ['a switch', parseSwitch, ['', 'yes', 'TRUE', '2']],
  ['one of some words', parseOneOf(['a', 'b']), ['', 'c', 'A']],
  ['an identifier', parseIdentifier, ['', 'a b', 'A', '1a', 'a;drop', 'x'.repeat(64)]],
];
for (const [what, parse, texts] of refused) {
  for (const text of texts)
    test(`${what} is not ${JSON.stringify(text.slice(0, 40))}`, () => assert.throws(() => parse(text)));
}

test('addresses are written as they are read', () => {
  for (const text of ['127.0.0.1:80', '[::1]:80', 'backend.example.org:443']) {
    assert.equal(formatAddress(parseDialAddress(text)), text);
  }
});

test('help names each flag, its variable and its default', () => {
  const help = describeSettings('shop', settings);
  assert.match(help, /--http-address, HTTP_ADDRESS\n.*where to listen \(default 127\.0\.0\.1:8080\)/);
  assert.match(help, /--peer-spiffe-id, PEER_SPIFFE_ID\n.*who to call \(required\)/);
});
