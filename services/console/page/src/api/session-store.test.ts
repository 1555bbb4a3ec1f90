import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../../../src/wire/actions.ts';
import { createSessionStore } from './session-store.ts';

const there = { there: true } as const;
const federation = { federated: false, partner: 'p', partnerId: 'spiffe://p/w', workload: 'w' };
const stack: NonNullable<Session['stack']> = {
  provider: 'embedded',
  trustDomain: 'd',
  customerUrl: 'http://127.0.0.1:1',
  workloads: [],
  federation,
  abilities: { identity: there, federation: there, attacks: there, policy: there },
};
const session = (token: string): Session => ({ token, version: '1', traceLinks: false, stack });

test('views that ask at once share one request', async () => {
  let loads = 0;
  const store = createSessionStore(async () => session(`t${++loads}`));
  assert.deepEqual(await Promise.all([store.token(false), store.token(false)]), ['t1', 't1']);
  assert.equal(await store.token(false), 't1');
  assert.equal(await store.token(true), 't2');
});

test('a failure before the first answer is said, one after it leaves the session and says why', async () => {
  const answers = [new TypeError('fetch failed'), session('t'), new TypeError('fetch failed'), session('u')];
  const store = createSessionStore(async () => {
    const next = answers.shift();
    if (next === undefined || next instanceof Error) throw next;
    return next;
  });
  await store.reload();
  assert.equal(store.store.getState().state, 'failed');
  await store.reload();
  await store.reload();
  const stale = store.store.getState();
  assert.ok(stale.state === 'ready');
  assert.equal(stale.session.token, 't');
  assert.equal(stale.stale?.reason, 'UNREACHABLE');
  await store.reload();
  assert.deepEqual(store.store.getState(), { state: 'ready', session: session('u') });
});

test('who needs the token hears of the failure', async () => {
  const store = createSessionStore(() => Promise.reject(new TypeError('fetch failed')));
  await assert.rejects(store.token(false), TypeError);
});

test('what an operation answered is known at once', async () => {
  const store = createSessionStore(async () => session('t'));
  await store.reload();
  const workloads = [{ name: 'w', spiffeId: 'spiffe://d/w', runs: true, registered: false }];
  store.learn({ done: 'x', workloads, federation: { ...federation, federated: true } });
  const now = store.store.getState();
  assert.ok(now.state === 'ready');
  assert.deepEqual(now.session.stack?.workloads, workloads);
  assert.equal(now.session.stack?.federation.federated, true);
});
