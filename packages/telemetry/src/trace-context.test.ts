/** What a caller sends as trace context or baggage, over HTTP and gRPC: it may name a trace if we know it, and nothing else. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTracedRuns, type TracedRuns } from '../test/traced-run.ts';

const FIXTURE = new URL('../test/forged-context.fixture.ts', import.meta.url);
const FORGED = 'f'.repeat(32);
const TRACEPARENT = `00-${FORGED}-${'e'.repeat(16)}-01`;
const EVIL = 'spiffe://example.org/evil';
const NAMES = [
  'spiffe.self.id',
  'spiffe.peer.id',
  'spiffe.origin.id',
  'caller_chain.txn',
  'authz.decision',
  'svid.serial',
];
const baggage = NAMES.map((name) => `${name}=${encodeURIComponent(EVIL)}`).join(',');
const KNOWN = {
  self: 'spiffe://example.org/self',
  peer: 'spiffe://example.org/peer',
  origin: 'spiffe://example.org/origin',
};

let runs: TracedRuns;
before(async () => {
  runs = await startTracedRuns();
});
after(() => runs.close());

/** Spans and request lines of one HTTP and one gRPC request with these headers. */
async function send(headers: Record<string, string[]>, knows: 'peer' | 'nobody', env = runs.exporting()) {
  const result = await runs.run(FIXTURE, env, JSON.stringify(headers), knows);
  assert.deepEqual([result.code, result.stderr], [0, '']);
  const spans = result.spans.filter(({ kind }) => kind === 2);
  const lines = result.lines.filter(({ event }) => event === 'request');
  assert.deepEqual([spans.length, lines.length], [2, 2], 'one each for HTTP and gRPC');
  return { spans, lines, text: JSON.stringify([result.spans, result.lines]) };
}

interface Row {
  readonly name: string;
  readonly headers: Record<string, string[]>;
  readonly knows?: 'nobody';
  /** Whether the trace that it names is taken. */
  readonly taken?: true;
}

const rows: readonly Row[] = [
  {
    name: 'a verified peer names the trace that its call stands in',
    headers: { traceparent: [TRACEPARENT] },
    taken: true,
  },
  { name: 'with identities in baggage', headers: { traceparent: [TRACEPARENT], baggage: [baggage] }, taken: true },
  {
    name: 'with identities in tracestate',
    headers: { traceparent: [TRACEPARENT], tracestate: [`spiffe.peer.id=${EVIL}`] },
    taken: true,
  },
  {
    name: 'a caller nobody knows names no trace',
    headers: { traceparent: [TRACEPARENT], baggage: [baggage] },
    knows: 'nobody',
  },
  { name: 'baggage alone', headers: { baggage: [baggage] } },
  { name: 'baggage of 6 KiB', headers: { baggage: [`spiffe.peer.id=${EVIL}${'x'.repeat(6_000)}`] } },
  { name: 'malformed baggage', headers: { baggage: [';;==,,%%%', `=${EVIL}`] } },
  { name: 'traceparent: too short', headers: { traceparent: [`00-${FORGED}`] } },
  { name: 'traceparent: not hexadecimal', headers: { traceparent: [`00-${'g'.repeat(32)}-${'e'.repeat(16)}-01`] } },
  { name: 'traceparent: all zeros', headers: { traceparent: [`00-${'0'.repeat(32)}-${'e'.repeat(16)}-01`] } },
  { name: 'traceparent: version ff', headers: { traceparent: [`ff-${FORGED}-${'e'.repeat(16)}-01`] } },
  { name: 'traceparent: of 4 KiB', headers: { traceparent: [`${TRACEPARENT}${'0'.repeat(4_096)}`] } },
  { name: 'traceparent: with a tail', headers: { traceparent: [`${TRACEPARENT}-${EVIL}`] } },
  { name: 'traceparent: twice', headers: { traceparent: [TRACEPARENT, TRACEPARENT] } },
  {
    name: 'identity headers of any name',
    headers: { 'x-spiffe-id': [EVIL], 'x-forwarded-client-cert': [`URI=${EVIL}`] },
  },
];

describe('who is recorded is who was verified, whatever the caller sends', { concurrency: false }, () => {
  for (const { name, headers, knows, taken } of rows) {
    test(name, async () => {
      const { spans, lines, text } = await send(headers, knows ?? 'peer');
      const peer = knows === 'nobody' ? undefined : KNOWN.peer;
      for (const { attributes, traceId } of spans) {
        assert.equal(traceId === FORGED, taken === true, traceId);
        const {
          'spiffe.self.id': selfId,
          'spiffe.peer.id': peerId,
          'spiffe.origin.id': origin,
          'caller_chain.txn': txn,
        } = attributes;
        assert.deepEqual([selfId, peerId, origin, txn], [KNOWN.self, peer, KNOWN.origin, 'T-1']);
      }
      for (const line of lines)
        assert.deepEqual([line['self'], line['peer'], line['origin']], [KNOWN.self, peer, KNOWN.origin]);
      const attributes = JSON.stringify([spans.map((span) => span.attributes), lines]);
      assert.ok(!attributes.includes('example.org/evil'), 'no value of the caller is in an attribute or a line');
      if (headers['tracestate'] === undefined) assert.ok(!text.includes('evil'), 'nor anywhere else');
    });
  }
});

test('a tracestate beyond 512 characters is not carried on', async () => {
  const { spans } = await send({ traceparent: [TRACEPARENT], tracestate: [`a=${'b'.repeat(600)}`] }, 'peer');
  for (const { traceState } of spans) assert.ok((traceState ?? '').length <= 512);
});

test('without an exporter the same holds for the lines', async () => {
  const { stderr, lines } = await runs.run(FIXTURE, {}, JSON.stringify({ baggage: [baggage] }), 'peer');
  assert.equal(stderr, '');
  const requests = lines.filter(({ event }) => event === 'request');
  assert.deepEqual(
    requests.map(({ peer }) => peer),
    [KNOWN.peer, KNOWN.peer],
  );
});
