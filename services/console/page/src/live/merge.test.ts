import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Edge, Refusal, Sample, TraceSummary, Workload } from '../../../src/wire/model.ts';
import { RECENT, SAMPLE_SECONDS, type Snapshot } from '../../../src/wire/stream.ts';
import { fromSnapshot, withPatch } from './merge.ts';

const NOW = 1_700_000_000_000;

function workload(id: string, more: Partial<Workload> = {}): Workload {
  return {
    id,
    name: id,
    trustDomain: 'td',
    state: 'ready',
    instances: [],
    trustDomains: [],
    rotations: 0,
    lastSeenAt: NOW,
    ...more,
  };
}

function edge(from: string, to: string, calls = 1): Edge {
  const last = { at: NOW, outcome: 'allow', transport: 'https' } as const;
  return { key: `${from}>${to}`, from, to, transports: ['https'], last, perSecond: 0, calls, refused: 0 };
}

function refusal(seq: number): Refusal {
  return {
    seq,
    at: NOW + seq,
    stage: 'policy',
    code: 'POLICY_DENIED',
    self: 'b',
    peerIs: 'unknown',
    transport: 'https',
    role: 'server',
  };
}

function trace(traceId: string, startedAt: number, spans = 1): TraceSummary {
  return { traceId, startedAt, durationMs: 1, name: 'GET /', spans, services: [], outcome: 'allow' };
}

function sample(at: number, allowed = 0): Sample {
  return { at, allowed, refused: 0, rotations: 0 };
}

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  const load = { perSecond: 0, sent: 0, failed: 0 };
  return {
    revision: 1,
    now: NOW,
    workloads: [],
    edges: [],
    refusals: [],
    decisions: [],
    traces: [],
    samples: [],
    load,
    ...more,
  };
}

describe('a snapshot', () => {
  it('is kept by its keys, and no more of it than is promised', () => {
    const many = Array.from({ length: RECENT + 5 }, (_, n) => refusal(1000 - n));
    const known = fromSnapshot(snapshot({ workloads: [workload('a')], edges: [edge('a', 'b')], refusals: many }));
    equal(known.workloads.get('a')?.name, 'a');
    equal(known.edges.get('a>b')?.to, 'b');
    equal(known.refusals.length, RECENT);
    equal(known.refusals[0]?.seq, 1000);
  });
});

describe('a patch', () => {
  const known = fromSnapshot(
    snapshot({
      workloads: [workload('a'), workload('b')],
      edges: [edge('a', 'b')],
      refusals: [refusal(2), refusal(1)],
      traces: [trace('t', 5)],
    }),
  );

  it('that brings nothing leaves every part the very same object', () => {
    const after = withPatch(known, { revision: 2, now: NOW });
    for (const part of ['workloads', 'edges', 'refusals', 'decisions', 'traces', 'samples', 'load'] as const) {
      equal(after[part], known[part], part);
    }
    equal(after.revision, 2);
  });

  it('takes the place of what it changes, and leaves the others the same objects', () => {
    const after = withPatch(known, { revision: 2, now: NOW, workloads: [workload('a', { state: 'silent' })] });
    notEqual(after.workloads, known.workloads);
    equal(after.workloads.get('a')?.state, 'silent');
    equal(after.workloads.get('b'), known.workloads.get('b'));
    equal(after.edges, known.edges);
  });

  it('takes away what is gone', () => {
    const after = withPatch(known, { revision: 2, now: NOW, gone: { workloads: ['b'], edges: ['a>b'] } });
    deepEqual([...after.workloads.keys()], ['a']);
    deepEqual([...after.edges.keys()], []);
  });

  it('puts new ones in front, whatever order they came in, and knows one that it has', () => {
    const after = withPatch(known, { revision: 2, now: NOW, refusals: [refusal(3), refusal(4), refusal(2)] });
    deepEqual(
      after.refusals.map(({ seq }) => seq),
      [4, 3, 2, 1],
    );
  });

  it('replaces a trace of which more has come', () => {
    const after = withPatch(known, { revision: 2, now: NOW, traces: [trace('t', 5, 9), trace('u', 9)] });
    deepEqual(
      after.traces.map(({ traceId, spans }) => [traceId, spans]),
      [
        ['u', 1],
        ['t', 9],
      ],
    );
  });

  it('never lets a list grow beyond what is promised', () => {
    const many = Array.from({ length: RECENT }, (_, n) => refusal(n + 10));
    const after = withPatch(known, { revision: 2, now: NOW, refusals: many });
    equal(after.refusals.length, RECENT);
    equal(after.refusals.at(-1)?.seq, 10);
  });

  it('keeps samples oldest first, one a second, for as long as is promised', () => {
    const full = fromSnapshot(
      snapshot({ samples: Array.from({ length: SAMPLE_SECONDS }, (_, n) => sample(n * 1000)) }),
    );
    const last = (SAMPLE_SECONDS - 1) * 1000;
    const after = withPatch(full, { revision: 2, now: NOW, samples: [sample(last, 7), sample(last + 1000, 8)] });
    equal(after.samples.length, SAMPLE_SECONDS);
    equal(after.samples[0]?.at, 1000);
    deepEqual(
      after.samples.slice(-2).map(({ allowed }) => allowed),
      [7, 8],
    );
  });
});
