/** Each finding is planted in facts that are otherwise clean, and is then the only one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHECKS, examine } from './checks.ts';
import type { Facts, WorkloadAnswer, WorkloadFacts } from './facts.ts';
import { describeResults, describeSum } from './report.ts';

const nowMs = Date.parse('2026-11-29T12:00:00Z');
const minute = 60_000;
const SECRET = 'hunter2-hunter2';
const trustDomain = 'example.org';
const idOf = (name: string) => `spiffe://${trustDomain}/${name}`;

const svid: Extract<WorkloadAnswer, { kind: 'svid' }> = {
  kind: 'svid',
  spiffeId: idOf('db-client'),
  dnsNames: ['db-client.example.org'],
  notBeforeMs: nowMs - 10 * minute,
  notAfterMs: nowMs + 50 * minute,
  bundles: [{ trustDomain, authoritiesExpireMs: [nowMs - minute, nowMs + 600 * minute] }],
};
const workload: WorkloadFacts = {
  name: 'db-client',
  expectedId: idOf('db-client'),
  expectedDnsName: 'db-client.example.org',
  postgresRole: 'orders_rw',
  peerTrustDomains: [trustDomain],
  answer: svid,
  askedAsUid: 1000,
  selectorUid: 1000,
};
const line = 'spiffe "db-client.example.org" "orders_rw"';
const clean: Facts = {
  nowMs,
  nodeVersion: 'v24.21.0',
  trustDomain,
  knownIds: [idOf('backend'), idOf('db-client')],
  environments: [
    { subject: 'backend', env: { NODE_ENV: 'production', COUNTERSIGN_DEVELOPMENT: '0', NODE_DEBUG: 'fs' } },
  ],
  endpoints: [{ subject: 'db-client', address: 'unix:///run/agent.sock', socket: 'socket' }],
  workloads: [workload],
  clocks: [{ subject: 'backend', theirsMs: nowMs, oursMs: nowMs + 900 }],
  health: [{ service: 'backend', reasons: {} }],
  policy: {
    wantedGrants: '{}',
    writtenGrants: '{}',
    grantedIds: [idOf('backend'), 'spiffe://partner.test/caller'],
    bundle: { revision: 'r1' },
    loaded: [{ service: 'backend', revision: 'r1' }],
  },
  postgres: { identLines: [line], identFile: `# comment\n${line}\n` },
  ports: [{ name: 'customerHttp', port: 8080, variable: 'COUNTERSIGN_CUSTOMER_HTTP_PORT' }],
  files: [
    { path: '/state', kind: 'directory', mode: 0o40711 },
    { path: '/state/ca.key', kind: 'key', mode: 0o100640 },
  ],
};

type Plant = [name: string, check: string, status: 'warn' | 'fail', evidence: RegExp, change: Partial<Facts>];
const env = (variables: Record<string, string>): Partial<Facts> => ({
  environments: [{ subject: 'backend', env: variables }],
});
const asked = (change: Partial<WorkloadFacts>): Partial<Facts> => ({ workloads: [{ ...workload, ...change }] });
const answered = (change: Partial<typeof svid>): Partial<Facts> => asked({ answer: { ...svid, ...change } });
const at = (address: string): Partial<Facts> => ({ endpoints: [{ subject: 'backend', address }] });
const standing = (socket: 'missing' | 'no-socket' | 'not-permitted'): Partial<Facts> => ({
  endpoints: [{ subject: 'backend', address: 'unix:///run/agent.sock', socket }],
});
const off = (ms: number): Partial<Facts> => ({ clocks: [{ subject: 'backend', theirsMs: nowMs, oursMs: nowMs + ms }] });
const denied: WorkloadAnswer = { kind: 'denied', message: 'PERMISSION_DENIED: no identity issued' };

const PLANTS: Plant[] = [
  ['an old Node', 'node-version', 'fail', /v22/, { nodeVersion: 'v22.10.0' }],
  [
    'a taken port',
    'ports',
    'fail',
    /8080 is taken/,
    { ports: [{ name: 'customerHttp', port: 8080, variable: 'X', problem: 'is taken by another program' }] },
  ],
  [
    'a key that everybody may read',
    'private-files',
    'fail',
    /0644/,
    { files: [{ path: '/k', kind: 'key', mode: 0o100644 }] },
  ],
  [
    'a state folder that everybody may list',
    'private-files',
    'fail',
    /0755/,
    { files: [{ path: '/s', kind: 'directory', mode: 0o40755 }] },
  ],
  [
    'a key log by NODE_OPTIONS',
    'key-log',
    'fail',
    /--tls-keylog/,
    env({ NODE_OPTIONS: `--tls-keylog=/tmp/${SECRET}` }),
  ],
  ['a key log by SSLKEYLOGFILE', 'key-log', 'fail', /SSLKEYLOGFILE/, env({ SSLKEYLOGFILE: `/tmp/${SECRET}` })],
  [
    'TLS checks switched off',
    'tls-settings',
    'fail',
    /REJECT_UNAUTHORIZED=0/,
    env({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
  ],
  ['TLS 1.0 allowed', 'tls-settings', 'warn', /lowers/, env({ NODE_OPTIONS: '--tls-min-v1.0' })],
  ['the legacy provider', 'tls-settings', 'warn', /legacy/, env({ NODE_OPTIONS: '--openssl-legacy-provider' })],
  ['a configuration of OpenSSL', 'tls-settings', 'warn', /OPENSSL_CONF/, env({ OPENSSL_CONF: '/etc/x.cnf' })],
  ['more CAs', 'tls-settings', 'warn', /EXTRA_CA/, env({ NODE_EXTRA_CA_CERTS: '/etc/x.pem' })],
  ['a proxy', 'proxies', 'warn', /^https_proxy set/, env({ https_proxy: `http://me:${SECRET}@proxy:3128` })],
  ['a proxy of gRPC', 'proxies', 'warn', /^GRPC_PROXY set/, env({ GRPC_PROXY: `http://me:${SECRET}@proxy:3128` })],
  ['debug output of Node', 'debug-output', 'warn', /NODE_DEBUG/, env({ NODE_DEBUG: 'fs,tls' })],
  ['traces of gRPC', 'debug-output', 'warn', /GRPC_TRACE/, env({ GRPC_TRACE: 'all' })],
  [
    'development in production',
    'development-mode',
    'fail',
    /DEVELOPMENT/,
    env({ NODE_ENV: 'production', COUNTERSIGN_DEVELOPMENT: '1' }),
  ],
  ['no address', 'endpoint-form', 'fail', /not set/, at('')],
  ['a path alone', 'endpoint-form', 'fail', /must begin/, at('/run/agent.sock')],
  ['a host in unix:', 'endpoint-form', 'fail', /absolute path/, at('unix://run/agent.sock')],
  ['a relative path', 'endpoint-form', 'fail', /absolute path/, at('unix:run/agent.sock')],
  ['tcp with a name', 'endpoint-form', 'fail', /IP literal/, at('tcp://localhost:8081')],
  ['a path that is too long', 'endpoint-form', 'fail', /at most 107 bytes/, at(`unix:///${'x'.repeat(120)}`)],
  ['no socket there', 'socket', 'fail', /there is nothing/, standing('missing')],
  ['something else there', 'socket', 'fail', /no socket/, standing('no-socket')],
  ['a socket of somebody else', 'socket', 'fail', /may not open/, standing('not-permitted')],
  [
    'an agent that does not answer',
    'entry',
    'fail',
    /UNAVAILABLE/,
    asked({ answer: { kind: 'silent', message: 'UNAVAILABLE' } }),
  ],
  ['no entry', 'entry', 'fail', /no identity issued/, asked({ answer: denied })],
  [
    'no entry, where nothing is known of selectors',
    'entry',
    'fail',
    /no identity issued/,
    {
      workloads: [
        { name: 'x', expectedId: idOf('x'), expectedDnsName: 'x.example.org', peerTrustDomains: [], answer: denied },
      ],
    },
  ],
  ['the wrong user', 'selectors', 'fail', /asked as user 0, .*unix:uid:1000/, asked({ answer: denied, askedAsUid: 0 })],
  ['an SVID from the future', 'clock', 'fail', /behind the issuer/, answered({ notBeforeMs: nowMs + minute })],
  ['a clock that is a little ahead', 'clock', 'warn', /8 s ahead/, off(8_000)],
  ['a clock that is far behind', 'clock', 'fail', /60 s behind/, off(-minute)],
  ['an expired SVID', 'svid-life', 'fail', /expired at 2026-11-29T11:59/, answered({ notAfterMs: nowMs - 1 })],
  ['an SVID that was not renewed', 'svid-life', 'warn', /9% of its life/, answered({ notAfterMs: nowMs + minute })],
  [
    'another SPIFFE ID',
    'identity-name',
    'fail',
    /it is spiffe:\/\/example\.org\/rogue/,
    answered({ spiffeId: idOf('rogue') }),
  ],
  [
    'no bundle of a peer',
    'bundles',
    'fail',
    /no bundle for partner\.test/,
    asked({ peerTrustDomains: [trustDomain, 'partner.test'] }),
  ],
  [
    'an empty bundle of a peer',
    'bundles',
    'fail',
    /no bundle for example\.org/,
    answered({ bundles: [{ trustDomain, authoritiesExpireMs: [] }] }),
  ],
  [
    'a bundle that went stale',
    'bundles',
    'fail',
    /every CA in the bundle of partner\.test/,
    answered({ bundles: [...svid.bundles, { trustDomain: 'partner.test', authoritiesExpireMs: [nowMs - 1] }] }),
  ],
  [
    'grants that were not generated',
    'policy',
    'warn',
    /data\.json/,
    { policy: { ...clean.policy, writtenGrants: '{"a":1}' } },
  ],
  [
    'a bundle that is refused',
    'policy',
    'fail',
    /must hold/,
    { policy: { ...clean.policy, bundle: { refused: 'must hold data.json' } } },
  ],
  [
    'a service with an older policy',
    'policy',
    'fail',
    /decides by revision r0/,
    { policy: { ...clean.policy, loaded: [{ service: 'backend', revision: 'r0' }] } },
  ],
  ['a grant for nobody', 'policy', 'warn', /\/bakend/, { policy: { ...clean.policy, grantedIds: [idOf('bakend')] } }],
  [
    'another CN',
    'pg-ident',
    'fail',
    /is other\.example\.org; pg_ident has db-client/,
    answered({ dnsNames: ['other.example.org', 'db-client.example.org'] }),
  ],
  ['no DNS name', 'pg-ident', 'fail', /absent/, answered({ dnsNames: [] })],
  [
    'a line that pg_ident lacks',
    'pg-ident',
    'fail',
    /lacks: spiffe/,
    { postgres: { identLines: [line], identFile: '' } },
  ],
  [
    'a way in too many',
    'pg-ident',
    'fail',
    /also has: spiffe \/\^\.\*/,
    { postgres: { identLines: [line], identFile: `${line}\nspiffe /^.* "orders_rw"\n` } },
  ],
  ['a service that is gone', 'readiness', 'fail', /nothing answers/, { health: [{ service: 'backend' }] }],
  [
    'a service that is not ready',
    'readiness',
    'fail',
    /policy: refused/,
    { health: [{ service: 'backend', reasons: { policy: 'refused' } }] },
  ],
];

describe('a clean system', () => {
  it('has no finding', () =>
    assert.deepEqual(
      examine(clean).filter(({ status }) => status !== 'ok'),
      [],
    ));
});

describe('what is planted is found, and nothing else', () => {
  for (const [name, check, status, evidence, change] of PLANTS) {
    it(`${name}: ${check}`, () => {
      const results = examine({ ...clean, ...change });
      assert.deepEqual(
        results.filter((result) => result.status !== 'ok').map((result) => [result.check, result.status]),
        [[check, status]],
      );
      const findings = results.flatMap((result) => result.findings);
      assert.equal(findings.length, 1);
      assert.match(findings[0]?.evidence ?? '', evidence);
      assert.ok((findings[0]?.fix.length ?? 0) > 10);
      assert.ok(
        !JSON.stringify(results).includes(SECRET) && !describeResults(results).includes(SECRET),
        'a secret is told',
      );
    });
  }

  it('by every check there is', () => {
    const planted = new Set(PLANTS.map(([, check]) => check));
    assert.deepEqual(
      CHECKS.map(({ name }) => name).filter((name) => !planted.has(name)),
      [],
    );
  });
});

it('the report has evidence and fix of each finding, and counts', () => {
  const results = examine({ ...clean, nodeVersion: 'v22.0.0', ...env({ GRPC_TRACE: 'all' }) });
  const text = describeResults(results);
  for (const part of ['fail  node-version', 'FAIL  Node: this is v22.0.0', 'fix   npm ci', 'warn  debug-output'])
    assert.ok(text.includes(part), `${part}\n${text}`);
  assert.equal(describeSum(results), `${CHECKS.length - 2} ok, 1 to look at, 1 failed`);
});
