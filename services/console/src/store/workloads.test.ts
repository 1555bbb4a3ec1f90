/** Workloads and their processes: identities that come, change and go, and processes that fall silent or are replaced. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { createStore, type Store } from './store.ts';
import { identity, idOf, metrics, record, request, START, withdrawn } from './test/telemetry.ts';

let nowMs: number;
let store: Store;

beforeEach(() => {
  nowMs = START;
  store = createStore({ now: () => nowMs });
});

const workload = (name: string) => store.snapshot().workloads.find((each) => each.name === name);
const edge = (from: string, to: string) =>
  store.snapshot().edges.find((each) => each.from === from && each.to === idOf(to));
const advance = (ms: number) => {
  for (const end = nowMs + ms; nowMs < end; nowMs += 1_000) store.tick();
  store.tick();
};

describe('an identity', () => {
  const backend = (at: number, instance = '1') => ({ service: 'backend', instance, at });

  test('is in use from its record on, and to be renewed at half of its life', () => {
    store.takeLogs([identity(backend(START), 'aa')]);
    const { svid, state, trustDomains, trustDomain } = workload('backend') ?? assert.fail();
    assert.deepEqual([state, trustDomain, trustDomains], ['ready', 'example.org', ['example.org']]);
    const notBefore = START - 10_000;
    assert.deepEqual(svid, {
      ...{ serial: 'AA', notBefore, notAfter: notBefore + 300_000, rotatesAt: notBefore + 150_000, since: START },
    });
  });

  test('changes by a rotation, which is counted; late and repeated records change nothing', () => {
    nowMs = START + 5_000;
    store.takeLogs([identity(backend(START), 'AA'), identity(backend(START + 2_000), 'BB')]);
    store.takeLogs([identity(backend(START + 1_000), 'AA'), identity(backend(START + 3_000), 'BB')]);
    const { svid, rotations } = workload('backend') ?? assert.fail();
    assert.deepEqual([svid?.serial, svid?.since, rotations], ['BB', START + 2_000, 1]);
    assert.equal(
      store.snapshot().samples.reduce((sum, sample) => sum + sample.rotations, 0),
      1,
    );
  });

  test('is gone when it was withdrawn, whatever metrics of before it still say, and comes back', () => {
    nowMs = START + 5_000;
    store.takeLogs([identity(backend(START), 'AA'), withdrawn(backend(START + 2_000))]);
    store.takeMetrics(metrics(backend(START + 1_000)));
    assert.deepEqual([workload('backend')?.state, workload('backend')?.svid], ['no-identity', undefined]);
    store.takeMetrics(metrics(backend(START + 3_000), { available: 0, leftMs: 0 }));
    assert.equal(workload('backend')?.state, 'no-identity');
    store.takeLogs([identity(backend(START + 4_000), 'BB')]);
    assert.deepEqual([workload('backend')?.state, workload('backend')?.svid?.serial], ['ready', 'BB']);
  });

  test('is known from metrics to a console that was started later, its serial from the next call', () => {
    store.takeMetrics(metrics(backend(START)));
    const { svid, trustDomains } = workload('backend') ?? assert.fail();
    assert.deepEqual([svid?.serial, svid?.notAfter, trustDomains], ['', START + 200_000, ['example.org']]);
    store.takeLogs([request({ ...backend(START), peer: 'customer' })]);
    assert.equal(workload('backend')?.svid?.serial, 'AA');
  });

  test('that is not there yet is told of a service that had one before', () => {
    store.takeLogs([identity(backend(START), 'AA'), record('stopping', backend(START), {})]);
    assert.equal(workload('backend')?.state, 'silent');
    store.takeMetrics(metrics(backend(START, '2'), { available: 0 }).slice(0, 1));
    assert.deepEqual(
      workload('backend')?.instances.map(({ instanceId, state }) => [instanceId, state]),
      [
        ['backend-2', 'no-identity'],
        ['backend-1', 'silent'],
      ],
    );
    assert.equal(workload('backend')?.state, 'no-identity');
  });
});

describe('a process', () => {
  const made = (at: number, instance = '1') => ({ service: 'backend', instance, at });

  test('is silent after seven seconds without a word, and there again with the next', () => {
    store.takeLogs([identity(made(START), 'AA')]);
    advance(6_000);
    assert.equal(workload('backend')?.state, 'ready');
    advance(3_000);
    assert.equal(workload('backend')?.state, 'silent');
    store.takeMetrics(metrics(made(nowMs)));
    assert.equal(workload('backend')?.state, 'ready');
  });

  test('that was replaced is forgotten beside the new one, which is the newest', () => {
    store.takeLogs([identity(made(START), 'AA')]);
    advance(10_000);
    store.takeLogs([identity(made(nowMs, '2'), 'BB')]);
    assert.deepEqual(
      workload('backend')?.instances.map(({ instanceId }) => instanceId),
      ['backend-2', 'backend-1'],
    );
    for (let second = 0; second < 40; second += 1) {
      store.takeMetrics(metrics(made(nowMs, '2')));
      advance(1_000);
    }
    assert.deepEqual(
      workload('backend')?.instances.map(({ instanceId }) => instanceId),
      ['backend-2'],
    );
    assert.deepEqual([workload('backend')?.state, workload('backend')?.svid?.serial], ['ready', 'BB']);
  });

  test('two of one workload are both shown', () => {
    store.takeLogs([identity(made(START), 'AA'), identity(made(START, '2'), 'BB')]);
    assert.equal(workload('backend')?.instances.length, 2);
  });

  test('whose clock is wrong is put right by ours', () => {
    store.takeLogs([
      request({ ...made(START - 86_400_000), peer: 'customer' }),
      request({ ...made(START + 9), peer: 'x' }),
    ]);
    assert.deepEqual([edge(idOf('customer'), 'backend')?.last.at, edge(idOf('x'), 'backend')?.last.at], [START, START]);
  });
});
