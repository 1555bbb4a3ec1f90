/** Patches are as good as snapshots: whoever applies each of them knows what whoever asks anew is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import type { Patch, Snapshot } from '../wire/stream.ts';
import { createStore, type Store } from './store.ts';
import {
  DENIED,
  decision,
  identity,
  idOf,
  metrics,
  refused,
  request,
  START,
  span,
  withdrawn,
} from './test/telemetry.ts';

type Lists = Pick<Snapshot, 'workloads' | 'edges' | 'refusals' | 'decisions' | 'traces' | 'samples'>;

const KEYS: { readonly [Name in keyof Lists]: (value: Lists[Name][number]) => string | number } = {
  workloads: ({ id }) => id,
  edges: ({ key }) => key,
  refusals: ({ seq }) => seq,
  decisions: ({ id }) => id,
  traces: ({ traceId }) => traceId,
  samples: ({ at }) => at,
};

/** As the page does it: forgets, then takes whole values by their keys. */
function apply<V>(
  before: readonly V[],
  changed: readonly V[] = [],
  keyOf: (value: V) => unknown,
  gone: readonly string[] = [],
): V[] {
  const values = new Map(before.map((value) => [keyOf(value), value]));
  for (const key of gone) values.delete(key);
  for (const value of changed) values.set(keyOf(value), value);
  return [...values.values()];
}

function patched(before: Lists, patch: Patch): Lists {
  return {
    workloads: apply(before.workloads, patch.workloads, KEYS.workloads, patch.gone?.workloads),
    edges: apply(before.edges, patch.edges, KEYS.edges, patch.gone?.edges),
    refusals: apply(before.refusals, patch.refusals, KEYS.refusals),
    decisions: apply(before.decisions, patch.decisions, KEYS.decisions),
    traces: apply(before.traces, patch.traces, KEYS.traces),
    samples: apply(before.samples, patch.samples, KEYS.samples),
  };
}

/** In one order, without what a page trims by itself. */
function canonical({ workloads, edges, refusals, decisions, traces, samples }: Lists) {
  const sorted = <V>(values: readonly V[], keyOf: (value: V) => string | number) =>
    values.toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
  return {
    workloads: sorted(workloads, KEYS.workloads),
    edges: sorted(edges, KEYS.edges),
    refusals: sorted(refusals, KEYS.refusals),
    decisions: sorted(decisions, KEYS.decisions),
    traces: sorted(traces, KEYS.traces),
    samples: sorted(samples, KEYS.samples),
  };
}

const service = fc.constantFrom('customer', 'backend', 'db-client');
const number = fc.nat({ max: 150 });
type Step = (store: Store, at: number) => void;
const step: fc.Arbitrary<Step> = fc.tuple(service, number, fc.nat({ max: 7 })).map(
  ([name, index, kind]): Step =>
    (store, at) => {
      const made = { service: name, at };
      const id = index.toString(16).padStart(2, '0');
      const traceId = id.repeat(16).replace(/^00/, '01');
      if (kind === 0) store.takeLogs([identity(made, id)]);
      else if (kind === 1) store.takeLogs([withdrawn(made)]);
      else if (kind === 2) store.takeLogs([request({ ...made, peer: `p${index}`, traceId })]);
      else if (kind === 3)
        store.takeLogs([request({ ...made, peer: 'x', traceId, fields: { ...DENIED, decision_id: id } })]);
      else if (kind === 4) store.takeLogs([refused(made, 'UNTRUSTED_CHAIN', idOf(`r${index}`))]);
      else if (kind === 5) store.takeLogs([decision(made, id, index % 2 === 0)]);
      else if (kind === 6) store.takeSpans([span({ ...made, traceId, spanId: '7'.repeat(16) })]);
      else store.takeMetrics(metrics(made));
    },
);

test('from any revision, however the changes are cut into patches', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.boolean()), { minLength: 1, maxLength: 60 }), (steps) => {
      let nowMs = START;
      const store = createStore({ now: () => nowMs });
      let known: Lists = store.snapshot();
      let revision = store.revision;
      for (const [change, isAsked] of steps) {
        nowMs += 700;
        change(store, nowMs);
        store.tick();
        if (!isAsked) continue;
        const patch = store.changesSince(revision) ?? assert.fail('nothing is forgotten yet');
        known = patched(known, patch);
        revision = patch.revision;
      }
      const patch = store.changesSince(revision) ?? assert.fail('nothing is forgotten yet');
      assert.deepEqual(canonical(patched(known, patch)), canonical(store.snapshot()));
    }),
    propertyRuns(100),
  );
});

test('nothing new is an empty patch, and a revision that was never reached is none', () => {
  const store = createStore({ now: () => START });
  store.takeLogs([request({ service: 'backend', peer: 'customer', at: START })]);
  assert.deepEqual(store.changesSince(store.revision), { revision: store.revision, now: START });
  assert.equal(store.changesSince(store.revision + 1), undefined);
});

test('what came and went in between is told as gone, and what came back is not', () => {
  let nowMs = START;
  const store = createStore({ now: () => nowMs });
  const claim = (name: string) => {
    nowMs += 10;
    return refused({ service: 'backend', at: nowMs }, 'UNTRUSTED_CHAIN', idOf(name));
  };
  store.takeLogs([claim('first')]);
  const { revision } = store;
  for (let index = 0; index < 120; index += 1) store.takeLogs([claim(`x${index}`)]);
  assert.ok(store.changesSince(revision)?.gone?.workloads?.includes(idOf('first')));
  assert.ok(store.changesSince(revision)?.gone?.edges?.includes(`${idOf('first')}>${idOf('backend')}`));
  store.takeLogs([claim('first')]);
  assert.ok(!store.changesSince(revision)?.gone?.workloads?.includes(idOf('first')));
});

test('the load is told when it changes', () => {
  const store = createStore();
  const { revision } = store;
  store.setLoad({ perSecond: 5, sent: 1, failed: 0 });
  assert.deepEqual(store.changesSince(revision)?.load, { perSecond: 5, sent: 1, failed: 0 });
  assert.equal(store.changesSince(store.revision)?.load, undefined);
  assert.equal(store.snapshot().load.perSecond, 5);
});
