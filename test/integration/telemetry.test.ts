/**
 * What a Collector gets of the running system, service by signal: traces, metrics and logs of customer, backend and db-client
 * after an order on each transport, one refusal of each kind, and one rotation.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { authorizeId, createSpiffeHttpsAgent, createWorkloadApiX509Source, SpiffeId } from '@countersign/spiffe-tls';
import { ATTRIBUTE_DEFINITIONS, ATTRIBUTES, LOG_FIELDS, METRIC_DEFINITIONS } from '@countersign/telemetry';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { call } from './json-client.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.ts';
import { runProgram } from './run-program.ts';
import { type SystemAnywhere, startTestSystemAnywhere } from './test-system.ts';

const CLIENT = 3;
const SERVER = 2;
const SERVICES = ['customer', 'backend', 'db-client'] as const;
/** Records of the decision log. */
const DECISION = 'authz.decision';
const CREATE = '/countersign.orders.v1.OrderService/CreateOrder';
const NEW_TRACE = /^(?!0{32})[0-9a-f]{32}$/;
const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
const order = (via: string) => ({ item: 'tea', quantity: 1, customer: 'Ada Lovelace', via });
const traces = new Map<string, string>();
let receiver: OtlpReceiver;
let system: SystemAnywhere;

before(async () => {
  receiver = await startOtlpReceiver();
  const decisions = { DECISION_LOG: 'log,otlp' };
  system = await startTestSystemAnywhere({
    env: { ...process.env, ...receiver.env },
    programEnv: { backend: decisions, 'db-client': decisions },
  });
  for (const via of ['http', 'grpc']) {
    const answer = await call(`${system.customerUrl}/api/orders`, { body: order(via) });
    assert.equal(answer.status, 201, answer.text);
    traces.set(via, String(answer.body?.['trace_id']));
  }
  const rogue = await runProgram('packages/local-stack/src/rogue/main.ts', [], {
    COUNTERSIGN_STATE_DIR: system.stateDirectory,
  });
  assert.equal(rogue.code, 0, rogue.stdout);
  assert.equal(await orderAs('auditor'), 403);
  await system.control.rotate();
});

after(async () => {
  await system?.stop();
  await receiver?.close();
});

/** `POST /orders` at backend, as a workload that may read orders alone. */
async function orderAs(workload: string): Promise<number | undefined> {
  await using source = createWorkloadApiX509Source({ endpoint: await system.socketAs(workload) });
  await source.ready();
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(SpiffeId.parse(idOf('backend'))) });
  const outgoing = request(`https://${system.addresses.backend.https}/orders`, { agent, method: 'POST' }).end();
  const [answer]: IncomingMessage[] = await once(outgoing, 'response');
  answer?.resume();
  agent.destroy();
  return answer?.statusCode;
}

/** One span that an order must have: who made it, whom it saw, and the span that it hangs under. */
interface Hop {
  readonly service: string;
  readonly name: RegExp;
  readonly kind: number;
  readonly peer?: string;
  readonly under?: Pick<Hop, 'service' | 'kind'>;
  /** Signers of the chain that this span is part of. */
  readonly chain: readonly string[];
}

const EDGE = { service: 'customer', kind: SERVER };
const TO_BACKEND = { service: 'customer', kind: CLIENT };
const backendName: Readonly<Record<string, RegExp>> = {
  http: /^POST \/orders$/,
  grpc: new RegExp(`^${CREATE.slice(1)}$`),
};

function hopsOf(via: string): Hop[] {
  const grpc = new RegExp(`^${CREATE.slice(1)}$`);
  const toBackend = via === 'http' ? /^POST/ : grpc;
  return [
    { ...EDGE, name: /^POST \/api\/orders$/, chain: ['customer'] },
    { ...TO_BACKEND, name: toBackend, peer: 'backend', under: EDGE, chain: ['customer'] },
    {
      service: 'backend',
      kind: SERVER,
      name: backendName[via] ?? /^$/,
      peer: 'customer',
      under: TO_BACKEND,
      chain: ['customer'],
    },
    {
      service: 'backend',
      kind: CLIENT,
      name: grpc,
      peer: 'db-client',
      under: { service: 'backend', kind: SERVER },
      chain: ['customer'],
    },
    {
      service: 'db-client',
      kind: SERVER,
      name: grpc,
      peer: 'backend',
      under: { service: 'backend', kind: CLIENT },
      chain: ['customer', 'backend'],
    },
    { service: 'db-client', kind: CLIENT, name: /^pg\.query:INSERT/, peer: 'postgres', chain: ['customer', 'backend'] },
  ];
}

function findHop(
  traceId: string,
  { service, kind, name }: Pick<Hop, 'service' | 'kind' | 'name'>,
): ReceivedSpan | undefined {
  return receiver.spans.find(
    (span) => span.traceId === traceId && span.service === service && span.kind === kind && name.test(span.name),
  );
}

for (const via of ['http', 'grpc']) {
  describe(`traces: an order by ${via}`, () => {
    const traceId = () => traces.get(via) ?? '';
    before(() => receiver.waitFor(() => hopsOf(via).every((hop) => findHop(traceId(), hop) !== undefined), 20_000));

    for (const hop of hopsOf(via)) {
      const { service, kind, peer, under, chain } = hop;
      test(`${service}, ${kind === SERVER ? 'server' : 'client'}: name, both ends, chain and parent`, () => {
        const { attributes, parentSpanId } = findHop(traceId(), hop) ?? assert.fail();
        assert.deepEqual(
          [attributes['spiffe.self.id'], attributes['spiffe.peer.id'], attributes['spiffe.origin.id']],
          [idOf(service), peer && idOf(peer), idOf('customer')],
        );
        assert.equal(attributes['spiffe.chain'], chain.map(idOf).join(','));
        assert.match(attributes['svid.serial'] ?? '', /^[0-9A-F]+$/);
        if (under === undefined) return;
        const parent = receiver.spans.find(({ spanId }) => spanId === parentSpanId);
        assert.deepEqual([parent?.service, parent?.kind, parent?.traceId], [under.service, under.kind, traceId()]);
      });
    }

    test('each called service shows its decision, and all show one transaction', () => {
      const all = hopsOf(via).map((hop) => findHop(traceId(), hop)?.attributes);
      assert.equal(new Set(all.map((attributes) => attributes?.['caller_chain.txn'])).size, 1);
      const served = all.filter((attributes) => attributes?.['authz.decision'] !== undefined);
      assert.deepEqual(
        served.map((attributes) => attributes?.['authz.decision']),
        ['allow', 'allow'],
      );
      for (const attributes of served) assert.match(attributes?.['authz.decision_id'] ?? '', /^[0-9a-f-]{36}$/);
    });
  });
}

/** A metric that must have come, with these labels among its own. */
type Cell = readonly [service: string, metric: string, labels?: Readonly<Record<string, string>>];
const called = ['backend', 'db-client'] as const;
const METRIC_CELLS: readonly Cell[] = [
  ...SERVICES.flatMap((service): Cell[] => [
    [service, 'spiffe.svid.expiry', { 'spiffe.self.id': idOf(service) }],
    [service, 'spiffe.svid.lifetime', { 'spiffe.self.id': idOf(service) }],
    [service, 'spiffe.svid.available'],
    [service, 'spiffe.svid.rotations'],
    [service, 'spiffe.bundle.age', { 'spiffe.trust_domain': identities.trustDomain }],
  ]),
  [
    'customer',
    'spiffe.handshakes',
    { 'spiffe.handshake.result': 'verified', 'spiffe.transport': 'https', 'spiffe.role': 'client' },
  ],
  [
    'customer',
    'spiffe.handshakes',
    { 'spiffe.handshake.result': 'verified', 'spiffe.transport': 'grpc', 'spiffe.role': 'client' },
  ],
  [
    'backend',
    'spiffe.handshakes',
    { 'spiffe.handshake.result': 'verified', 'spiffe.transport': 'https', 'spiffe.role': 'server' },
  ],
  [
    'backend',
    'spiffe.handshakes',
    { 'spiffe.handshake.result': 'verified', 'spiffe.transport': 'grpc', 'spiffe.role': 'server' },
  ],
  [
    'backend',
    'spiffe.handshakes',
    { 'spiffe.handshake.result': 'refused', 'refusal.code': 'PEER_NOT_AUTHORIZED', 'spiffe.role': 'server' },
  ],
  [
    'db-client',
    'spiffe.handshakes',
    { 'spiffe.handshake.result': 'verified', 'spiffe.transport': 'postgres', 'spiffe.role': 'client' },
  ],
  [
    'db-client',
    'spiffe.handshakes',
    { 'spiffe.handshake.result': 'refused', 'refusal.code': 'PEER_NOT_AUTHORIZED', 'spiffe.transport': 'grpc' },
  ],
  ['backend', 'authz.decisions', { 'authz.decision': 'allow', 'authz.operation': 'POST /orders' }],
  ['backend', 'authz.decisions', { 'authz.decision': 'allow', 'authz.operation': CREATE }],
  ['db-client', 'authz.decisions', { 'authz.decision': 'allow', 'authz.operation': CREATE }],
  [
    'backend',
    'authz.decisions',
    { 'authz.decision': 'deny', 'authz.operation': 'POST /orders', 'authz.reason': 'operation-not-granted' },
  ],
  ['backend', 'authz.decision.duration', { 'authz.decision': 'deny' }],
  ['backend', 'authz.refusals', { 'refusal.stage': 'policy', 'refusal.code': 'POLICY_DENIED' }],
  ...called.flatMap((service): Cell[] => [
    [service, 'authz.refusals', { 'refusal.stage': 'handshake', 'refusal.code': 'PEER_NOT_AUTHORIZED' }],
    [service, 'authz.decision.duration', { 'authz.decision': 'allow' }],
    [service, 'caller_chain.verification.duration', { 'caller_chain.result': 'verified' }],
    [service, 'authz.decision_log.records', { 'authz.decision_log.state': 'sent' }],
    [service, 'authz.decision_log.records', { 'authz.decision_log.state': 'dropped' }],
    [service, 'authz.policy.available'],
    [service, 'authz.policy.age'],
    [service, 'authz.policy.stale'],
  ]),
];

function findPoint([service, name, labels = {}]: Cell) {
  return receiver
    .points()
    .find(
      (point) =>
        point.service === service &&
        point.name === name &&
        Object.entries(labels).every(([label, value]) => point.labels[label] === value),
    );
}

describe('metrics', () => {
  // A cell that stays empty is red by itself, below.
  before(() =>
    receiver.waitFor(() => METRIC_CELLS.every((cell) => findPoint(cell) !== undefined), 30_000).catch(() => undefined),
  );

  for (const cell of METRIC_CELLS) {
    const [service, name, labels] = cell;
    test(`${service}: ${name} ${JSON.stringify(labels ?? {})}`, () => {
      const { unit, value } = findPoint(cell) ?? assert.fail('no such point came');
      assert.equal(unit, Object.entries(METRIC_DEFINITIONS).find(([known]) => known === name)?.[1].unit);
      const isZero = name === 'authz.policy.stale' || labels?.['authz.decision_log.state'] === 'dropped';
      assert.ok(isZero ? value === 0 : value > 0 || name.endsWith('.age'), `${value}`);
    });
  }

  test('durations are measured in buckets that fit them', () => {
    const { bounds } = findPoint(['db-client', 'authz.decision.duration']) ?? assert.fail();
    assert.deepEqual([bounds?.at(0), bounds?.at(-1)], [0.000_01, 0.01]);
  });

  test('nobody who was refused is in a label', () => {
    for (const { name, labels } of receiver.points())
      for (const value of Object.values(labels)) assert.ok(!value.includes(idOf('rogue')), name);
  });
});

describe('logs', () => {
  for (const service of SERVICES) {
    test(`${service}: the line of the order, in the trace of its span`, async () => {
      const traceId = traces.get('grpc') ?? '';
      const find = () =>
        receiver.logs.find((log) => log.service === service && log.event === 'request' && log.traceId === traceId);
      await receiver.waitFor(() => find() !== undefined, 20_000);
      const { attributes, spanId } = find() ?? assert.fail();
      assert.deepEqual([attributes['self'], attributes['origin']], [idOf(service), idOf('customer')]);
      assert.equal(receiver.spans.find((span) => span.spanId === spanId)?.service, service);
    });

    test(`${service}: the new identity`, () =>
      receiver.waitFor(() => receiver.logs.some((log) => log.service === service && log.event === 'identity'), 20_000));
  }

  for (const service of called) {
    test(`${service}: the refusal, as a warning that says who`, async () => {
      const find = () => receiver.logs.find((log) => log.service === service && log.event === 'refused');
      await receiver.waitFor(() => find() !== undefined, 20_000);
      const { severity, attributes } = find() ?? assert.fail();
      assert.deepEqual([severity, attributes['self']], ['warn', idOf(service)]);
      assert.ok(attributes['code'] !== undefined && attributes['rule'] !== undefined);
    });
  }
});

describe('decisions', () => {
  for (const [service, decision, severity] of [
    ['backend', 'allow', 'INFO'],
    ['db-client', 'allow', 'INFO'],
    ['backend', 'deny', 'WARN'],
  ] as const)
    test(`${service}: the record of one that says ${decision}`, async () => {
      const find = () =>
        receiver.logs.find(
          (log) =>
            log.service === service && log.event === DECISION && log.attributes[ATTRIBUTES.decision] === decision,
        );
      await receiver.waitFor(() => find() !== undefined, 20_000);
      const { attributes, ...record } = find() ?? assert.fail();
      assert.deepEqual([record.severity, attributes[ATTRIBUTES.selfId]], [severity, idOf(service)]);
      const peer = decision === 'deny' ? 'auditor' : service === 'backend' ? 'customer' : 'backend';
      assert.equal(attributes[ATTRIBUTES.peerId], idOf(peer));
      assert.match(record.traceId, NEW_TRACE);
    });
});

describe('what is sent', () => {
  test('has no SQL value, key, certificate or link of a chain in any signal', () => {
    const all = receiver.texts.join('\n');
    for (const secret of ['Lovelace', 'PRIVATE KEY', 'BEGIN CERTIFICATE', 'caller-link+jws', 'eyJ'])
      assert.ok(!all.includes(secret), secret);
  });

  test('is named in the registry or in the conventions, every attribute of every signal', () => {
    const known = new Set<unknown>([...Object.keys(ATTRIBUTE_DEFINITIONS), ...Object.values(conventions)]);
    const foreign = [
      ...receiver.spans.map(({ attributes }) => attributes),
      ...receiver.points().map(({ labels }) => labels),
    ]
      .flatMap(Object.keys)
      .filter((name) => !known.has(name) && !name.startsWith('db.postgresql.'));
    assert.deepEqual([...new Set(foreign)], []);
  });

  test('and so is every attribute of a log record, under the name that it has in the line', () => {
    const decision = new Set<unknown>([...Object.keys(ATTRIBUTE_DEFINITIONS), ...Object.values(conventions)]);
    const fields = Object.values(ATTRIBUTE_DEFINITIONS).flatMap(({ logField, on }) =>
      on.includes('log') ? [logField] : [],
    );
    const line = new Set<unknown>([...fields, ...Object.keys(LOG_FIELDS)]);
    assert.ok(
      ['request', 'identity', 'refused', DECISION].every((name) => receiver.logs.some((log) => log.event === name)),
    );
    const foreign = receiver.logs.flatMap(({ event, attributes }) =>
      Object.keys(attributes)
        .filter((name) => !(event === DECISION ? decision : line).has(name))
        .map((name) => `${event}: ${name}`),
    );
    assert.deepEqual([...new Set(foreign)], []);
    for (const { event, attributes } of receiver.logs)
      for (const name of Object.keys(attributes)) {
        const events = LOG_FIELDS[name]?.events;
        assert.ok(events === undefined || events.includes('all') || events.includes(event), `${name} of ${event}`);
      }
  });

  test('and every metric too', () => {
    const known = new Set<unknown>([...Object.keys(METRIC_DEFINITIONS), ...Object.values(conventions)]);
    assert.deepEqual(
      [...new Set(receiver.points().map(({ name }) => name))].filter((name) => !known.has(name)),
      [],
    );
  });
});

const FORGED = 'f'.repeat(32);
const forgeries: ReadonlyArray<readonly [string, Record<string, string>]> = [
  ['a trace that a browser chose', { traceparent: `00-${FORGED}-${'e'.repeat(16)}-01`, tracestate: 'a=b' }],
  ['a malformed one', { traceparent: `00-${FORGED}` }],
  [
    'identities in baggage',
    {
      baggage: Object.values(ATTRIBUTES)
        .map((name) => `${name}=${idOf('auditor')}`)
        .join(','),
    },
  ],
  ['baggage of 8 KiB', { baggage: `spiffe.peer.id=${'x'.repeat(8_000)}` }],
  ['identity headers', { 'x-spiffe-id': idOf('auditor'), 'x-forwarded-client-cert': `URI=${idOf('auditor')}` }],
];

for (const [what, headers] of forgeries) {
  test(`the edge takes nothing from ${what}`, async () => {
    const answer = await call(`${system.customerUrl}/api/orders`, { body: order('grpc'), headers });
    assert.equal(answer.status, 201, answer.text);
    const traceId = String(answer.body?.['trace_id']);
    assert.match(traceId, NEW_TRACE);
    assert.notEqual(traceId, FORGED);
    await receiver.waitFor(() => hopsOf('grpc').every((hop) => findHop(traceId, hop) !== undefined), 20_000);
    const seen = JSON.stringify(receiver.spans.filter((span) => span.traceId === traceId));
    assert.ok(!seen.includes(idOf('auditor')) && !seen.includes('xxxxxxxx') && !seen.includes(FORGED));
  });
}
