import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { registrationOf, temporaryDirectory } from '../test/temporary.ts';
import { HELP, loadConfig } from './config.ts';

const registrations = [registrationOf('web')];
const env = {
  TRUST_DOMAIN: 'example.org',
  TRUST_DOMAIN_RUN_DIRECTORY: '/run/td',
  TRUST_DOMAIN_REGISTRATIONS: JSON.stringify(registrations),
};

test('the environment alone is enough', () => {
  assert.deepEqual(loadConfig([], env), {
    trustDomain: 'example.org',
    runDirectory: '/run/td',
    registrations,
    allowProduction: false,
    env,
  });
});

test('a flag wins over its variable', () => {
  const config = loadConfig(
    ['--trust-domain', 'flag.example', '--svid-ttl=30s', '--key-type', 'ed25519', '--intermediates=2'],
    {
      ...env,
      TRUST_DOMAIN_SVID_TTL: '1h',
    },
  );
  assert.equal(config.trustDomain, 'flag.example');
  assert.equal(config.svidTtlMs, 30_000);
  assert.equal(config.keyType, 'ed25519');
  assert.equal(config.intermediates, 2);
});

test('every duration is read', () => {
  const all = {
    TRUST_DOMAIN_SVID_TTL: '30s',
    TRUST_DOMAIN_CA_TTL: '1h',
    TRUST_DOMAIN_CA_SETTLE: '500ms',
    TRUST_DOMAIN_CA_DROP_AFTER: '1.5m',
    TRUST_DOMAIN_JWT_TTL: '45s',
  };
  const { svidTtlMs, caTtlMs, caSettleMs, caDropAfterMs, jwtTtlMs } = loadConfig([], { ...env, ...all });
  assert.deepEqual([svidTtlMs, caTtlMs, caSettleMs, caDropAfterMs, jwtTtlMs], [30_000, 3_600_000, 500, 90_000, 45_000]);
});

test('workloads can be given by name alone, and sockets go where the control commands look', () => {
  const args = ['--trust-domain', 'example.org', '--workload', 'web', '--workload', 'job'];
  const { registrations: named, runDirectory } = loadConfig(args, {});
  assert.deepEqual(named, [registrationOf('web'), registrationOf('job')]);
  assert.equal(runDirectory, '.countersign/run');
  const { registrations: spaced } = loadConfig([...args, '--namespace', 'store'], {});
  assert.deepEqual(spaced[0], {
    name: 'web',
    spiffeId: 'spiffe://example.org/ns/store/sa/web',
    dnsNames: ['web.store.example.org'],
  });
});

test('D1 a workload named by a flag listens on TCP too, and no other', () => {
  const args = ['--trust-domain', 'example.org', '--workload', 'web', '--workload', 'job'];
  const { registrations: named } = loadConfig([...args, '--dangerously-listen-on-tcp', 'job=[::1]:8081'], {});
  assert.deepEqual(named, [
    registrationOf('web'),
    registrationOf('job', { dangerouslyListenOnTcp: { host: '::1', port: 8081 } }),
  ]);
});

test('registrations can be in a file', async (context) => {
  const file = join(await temporaryDirectory(context), 'registrations.json');
  await writeFile(file, JSON.stringify(registrations));
  assert.deepEqual(loadConfig(['--registrations', file], env).registrations, registrations);
});

const refused: readonly [name: string, args: string[], changes: Record<string, string | undefined>, message: RegExp][] =
  [
    ['no trust domain', [], { TRUST_DOMAIN: undefined }, /--trust-domain \(TRUST_DOMAIN\): is missing/],
    ['nobody registered', [], { TRUST_DOMAIN_REGISTRATIONS: undefined }, /--workload or .*TRUST_DOMAIN_REGISTRATIONS/],
    ['registrations that are no JSON', [], { TRUST_DOMAIN_REGISTRATIONS: '[{' }, /TRUST_DOMAIN_REGISTRATIONS.*JSON/],
    ['a file that is not there', [], { TRUST_DOMAIN_REGISTRATIONS: '/nonexistent.json' }, /nonexistent/],
    ['a duration without unit', [], { TRUST_DOMAIN_SVID_TTL: '30' }, /TRUST_DOMAIN_SVID_TTL.*"30"/],
    ['a key type that is none', [], { TRUST_DOMAIN_KEY_TYPE: 'dsa' }, /TRUST_DOMAIN_KEY_TYPE.*"dsa"/],
    [
      'a JWT algorithm that is none',
      [],
      { TRUST_DOMAIN_JWT_ALGORITHM: 'HS256' },
      /TRUST_DOMAIN_JWT_ALGORITHM.*"HS256"/,
    ],
    ['three intermediates', ['--intermediates', '3'], {}, /--intermediates .*0, 1, 2, got "3"/],
    ['an endpoint without port', ['--bundle-endpoint', '127.0.0.1'], {}, /--bundle-endpoint .*host:port/],
    ['a web certificate without endpoint', ['--bundle-endpoint-web', 'x.pem'], {}, /--bundle-endpoint-web .*needs/],
    [
      'a web certificate that is not there',
      ['--bundle-endpoint', 'h:1', '--bundle-endpoint-web', '/no.pem'],
      {},
      /no\.pem/,
    ],
    ['TCP for nobody', ['--dangerously-listen-on-tcp', 'job=127.0.0.1:1'], {}, /--dangerously-listen-on-tcp.*"job=/],
    ['TCP without port', ['--dangerously-listen-on-tcp', 'web=127.0.0.1'], {}, /--dangerously-listen-on-tcp/],
    ['an unknown flag', ['--nonsense'], {}, /nonsense/],
  ];

for (const [name, args, changes, message] of refused) {
  test(`${name}: refused, naming flag and variable`, () => {
    assert.throws(() => loadConfig(args, { ...env, ...changes }), {
      name: 'DevTrustDomainError',
      code: 'CONFIGURATION',
      message,
    });
  });
}

test('--help names every variable', () => {
  for (const name of Object.keys(env)) assert.ok(HELP.includes(name), name);
});
