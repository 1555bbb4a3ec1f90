import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createTestCa } from '@countersign/testkit';
import { SpiffeTlsError } from './errors.ts';
import type { WorkloadApiFailureKind } from './workload-api-error.ts';
import type { X509Context } from './x509-source.ts';
import { type SourceInput, type SourceState, type SourceTransition, transition } from './x509-source-state.ts';

let first: X509Context;
let same: X509Context;
let second: X509Context;

before(async () => {
  const ca = await createTestCa({ trustDomain: 'example.org' });
  const issued = await ca.issue();
  first = ca.context(issued);
  same = ca.context(issued);
  second = ca.context(await ca.issue());
});

const said = new SpiffeTlsError('WORKLOAD_API', 'said');
const closed = new SpiffeTlsError('SOURCE_CLOSED', 'closed');
const noHint = new SpiffeTlsError('NO_SVID_FOR_HINT', 'no hint');

const failure = (kind: WorkloadApiFailureKind): SourceInput => ({ type: 'failure', failure: { kind, error: said } });

/** Effects in short: `emit:update`, `start-grace`. */
function summary({ state, effects }: SourceTransition): string {
  const words = effects.map((effect) => (effect.type === 'emit' ? `emit:${effect.event.type}` : effect.type));
  return [state.type, ...words].join(' ');
}

const states: Record<string, () => SourceState> = {
  waiting: () => ({ type: 'waiting' }),
  ready: () => ({ type: 'ready', context: first }),
  denied: () => ({ type: 'denied', context: first, lastError: said }),
  withdrawn: () => ({ type: 'withdrawn', error: said, lastError: said }),
  stopped: () => ({ type: 'stopped', lastError: said }),
  closed: () => ({ type: 'closed', error: closed }),
};

const inputs: Record<string, () => SourceInput> = {
  same: () => ({ type: 'context', context: same }),
  new: () => ({ type: 'context', context: second }),
  bad: () => ({ type: 'bad-message', error: noHint }),
  'no-identity': () => ({ type: 'no-identity', error: noHint }),
  denied: () => failure('denied'),
  fatal: () => failure('fatal'),
  unavailable: () => failure('unavailable'),
  'grace-over': () => ({ type: 'grace-over' }),
  close: () => ({ type: 'close', error: closed }),
};

const table: readonly [state: string, input: string, outcome: string][] = [
  ['waiting', 'new', 'ready emit:update'],
  ['waiting', 'bad', 'waiting emit:error'],
  ['waiting', 'no-identity', 'waiting emit:error'],
  ['waiting', 'denied', 'waiting emit:error'],
  ['waiting', 'unavailable', 'waiting emit:error'],
  ['waiting', 'fatal', 'stopped emit:error'],
  ['waiting', 'grace-over', 'waiting'],
  ['ready', 'same', 'ready'],
  ['ready', 'new', 'ready emit:update'],
  ['ready', 'bad', 'ready emit:error'],
  ['ready', 'no-identity', 'withdrawn cancel-grace emit:withdrawn'],
  ['ready', 'denied', 'denied emit:error start-grace'],
  ['ready', 'unavailable', 'ready emit:error'],
  ['ready', 'fatal', 'stopped emit:error'],
  ['ready', 'grace-over', 'ready'],
  ['denied', 'same', 'ready cancel-grace'],
  ['denied', 'new', 'ready cancel-grace emit:update'],
  ['denied', 'bad', 'denied emit:error'],
  ['denied', 'no-identity', 'withdrawn cancel-grace emit:withdrawn'],
  ['denied', 'denied', 'denied'],
  ['denied', 'unavailable', 'denied'],
  ['denied', 'fatal', 'stopped cancel-grace emit:withdrawn'],
  ['denied', 'grace-over', 'withdrawn cancel-grace emit:withdrawn'],
  ['withdrawn', 'new', 'ready emit:update'],
  ['withdrawn', 'bad', 'withdrawn emit:error'],
  ['withdrawn', 'no-identity', 'withdrawn'],
  ['withdrawn', 'denied', 'withdrawn'],
  ['withdrawn', 'fatal', 'stopped'],
  ['withdrawn', 'grace-over', 'withdrawn'],
  ['stopped', 'new', 'stopped'],
  ['stopped', 'denied', 'stopped'],
  ['closed', 'new', 'closed'],
  ['closed', 'fatal', 'closed'],
  ['closed', 'close', 'closed'],
  ...['waiting', 'ready', 'denied', 'withdrawn', 'stopped'].map((state): [string, string, string] => [
    state,
    'close',
    'closed cancel-grace',
  ]),
];

for (const [from, input, outcome] of table) {
  test(`${from} + ${input} -> ${outcome}`, () => {
    const state = states[from]?.();
    const what = inputs[input]?.();
    assert.ok(state !== undefined && what !== undefined);
    assert.equal(summary(transition(state, what)), outcome);
  });
}

test('T11 the same material keeps the snapshot that is in use', () => {
  const { state } = transition({ type: 'ready', context: first }, { type: 'context', context: same });
  assert.ok(state.type === 'ready' && state.context === first);
});

test('L58 a withdrawal names what the API said', () => {
  const { state } = transition({ type: 'denied', context: first, lastError: said }, { type: 'grace-over' });
  assert.ok(state.type === 'withdrawn');
  assert.equal(state.error.code, 'IDENTITY_WITHDRAWN');
  assert.equal(state.error.cause, said);
});

test('a failure that repeats is told once, and again after a good message', () => {
  const told = transition({ type: 'ready', context: first }, failure('unavailable'));
  assert.equal(summary(transition(told.state, failure('unavailable'))), 'ready');
  const good = transition(told.state, { type: 'context', context: same });
  assert.equal(summary(transition(good.state, failure('unavailable'))), 'ready emit:error');
});

test('an identity stays in use when asking again can not help', () => {
  const { state } = transition({ type: 'ready', context: first }, failure('fatal'));
  assert.ok(state.type === 'stopped' && state.context === first);
  const afterDenial = transition({ type: 'denied', context: first, lastError: said }, failure('fatal'));
  assert.ok(afterDenial.state.type === 'stopped' && afterDenial.state.context === undefined);
});
