import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogWatch } from './log-watch.ts';
import type { LogRecord } from './part.ts';
import { type IdentityNews, isHolder, untilHeard } from './workload-updates.ts';

/** A moment that is after whatever was done until now. */
const later = () => new Date(Date.now() + 1_000).toISOString();

function watchedSystem() {
  const logs = createLogWatch();
  const tell = (part: string, record: LogRecord) => logs.add(part, { time: later(), ...record });
  return {
    tell,
    system: {
      waitForLog: (part: string, is: (record: LogRecord) => boolean, ms = 10_000) => logs.waitFor(part, is, ms),
    },
  };
}

for (const [name, news, record, postgres] of [
  [
    'a new SVID',
    { changed: 'svid' },
    { event: 'identity', changed: { svid: true } },
    { event: 'certificate', changed: { svid: true } },
  ],
  [
    'new bundles',
    { changed: 'bundles' },
    { event: 'identity', changed: { bundles: true } },
    { event: 'certificate', changed: { bundles: true } },
  ],
  ['a withdrawal', { withdrawn: true }, { event: 'identity', type: 'withdrawn' }, { event: 'withdrawn' }],
] as ReadonlyArray<readonly [string, IdentityNews, LogRecord, LogRecord]>)
  test(`${name} is heard of by a service and by PostgreSQL, each in its own words`, async () => {
    const { system, tell } = watchedSystem();
    await untilHeard(system, { news, workloads: ['backend', 'postgres'], timeoutMs: 1_000 }, async () => {
      tell('backend', record);
      tell('postgres', postgres);
    });
  });

test('a bundle of another trust domain comes and goes', async () => {
  const { system, tell } = watchedSystem();
  for (const [trusts, trustDomains] of [
    [true, ['example.org', 'partner.example']],
    [false, ['example.org']],
  ] as const)
    await untilHeard(
      system,
      { news: { trusts, trustDomain: 'partner.example' }, workloads: ['backend'], timeoutMs: 1_000 },
      async () => tell('backend', { event: 'identity', trustDomains }),
    );
});

test('who has not heard is named, and what was said before, or of something else, does not count', async () => {
  const { system, tell } = watchedSystem();
  tell('customer', { time: new Date(Date.now() - 1_000).toISOString(), event: 'identity', changed: { svid: true } });
  const workloads = ['customer', 'backend', 'db-client'] as const;
  const waiting = untilHeard(system, { news: { changed: 'svid' }, workloads, timeoutMs: 50 }, async () => {
    tell('backend', { event: 'identity', changed: { svid: true } });
    tell('db-client', { event: 'identity', changed: { svid: false, bundles: true } });
  });
  await assert.rejects(waiting, { code: 'CONTROL_TIMEOUT', message: /by customer, db-client;/ });
});

test('who does not run hears nothing', () => {
  assert.deepEqual(['backend', 'postgres', 'auditor', 'constructor'].map(isHolder), [true, true, false, false]);
});
