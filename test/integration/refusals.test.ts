/**
 * One refusal of each stage, over the wire, with development off: the refusing side's log explains it whole, the refused side
 * gets the safe part and nothing more.
 */
import assert from 'node:assert/strict';
import { type Agent, request } from 'node:https';
import { after, before, test } from 'node:test';
import type { LogRecord } from '@countersign/local-stack';
import { authorizeId, createSpiffeHttpsAgent, createWorkloadApiX509Source, SpiffeId } from '@countersign/spiffe-tls';
import { call } from './json-client.ts';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';
import { type SystemAnywhere, startTestSystemAnywhere } from './test-system.ts';

const production = { COUNTERSIGN_DEVELOPMENT: '0' };
/** Parts of an explanation that no answer may have. */
const INTERNAL = ['rule', 'expected', 'got', 'remedy', 'stage'];
let receiver: OtlpReceiver;
let system: SystemAnywhere;

before(async () => {
  receiver = await startOtlpReceiver();
  const programEnv = { customer: production, backend: production, 'db-client': production };
  system = await startTestSystemAnywhere({ env: { ...process.env, ...receiver.env }, programEnv });
});

after(async () => {
  await system?.stop();
  await receiver?.close();
});

/** The line has all of the model, with these values, and says what to do. */
function assertExplained(record: LogRecord, wanted: Record<string, string | RegExp>): void {
  for (const [field, value] of Object.entries(wanted)) {
    const got = String(record[field]);
    if (typeof value === 'string') assert.equal(got, value, field);
    else assert.match(got, value, field);
  }
  for (const field of ['rule', 'remedy']) assert.match(String(record[field]), /\w{3}/, field);
  assert.notEqual(record['remedy'], undefined);
}

function assertSafe(body: Record<string, unknown> | undefined, allowed: readonly string[]): void {
  const fields = Object.keys(body ?? {});
  assert.deepEqual(
    fields.filter((field) => INTERNAL.includes(field)),
    [],
  );
  assert.deepEqual(fields.sort(), [...allowed].sort());
}

/** `POST /orders` at backend, as a workload. */
async function postAs(
  workload: string,
  headers = {},
): Promise<{ status: number; body: Record<string, unknown> } | Error> {
  await using source = createWorkloadApiX509Source({ endpoint: await system.socketAs(workload) });
  await source.ready();
  const backendId = SpiffeId.parse(system.identities.workload('backend').spiffeId);
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(backendId) });
  try {
    return await post(agent, headers);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    agent.destroy();
  }
}

function post(
  agent: Agent,
  headers: Record<string, string>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`https://${system.addresses.backend.https}/orders`, { agent, method: 'POST', headers });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    outgoing.end();
  });
}

test('handshake: the intruder sees a closed connection, the log says who, why and what to do', async () => {
  const rogueId = system.identities.workload('rogue').spiffeId;
  const answer = await postAs('rogue');
  assert.ok(answer instanceof Error, 'nothing is answered');
  const record = await system.waitForLog('backend', ({ event, peerId }) => event === 'refused' && peerId === rogueId);
  assertExplained(record, {
    stage: 'handshake',
    code: 'PEER_NOT_AUTHORIZED',
    expected: /sa\/customer/,
    got: new RegExp(rogueId),
    remedy: /identities\.json/,
  });
});

test('chain: half a chain is refused, whoever sends it; why is in the log alone', async () => {
  const answer = await postAs('customer', { 'caller-chain': 'half-of-it' });
  assert.ok(!(answer instanceof Error), String(answer));
  assert.equal(answer.status, 401);
  assertSafe(answer.body, ['type', 'title', 'status', 'detail', 'code', 'decision_id']);
  const id = answer.body['decision_id'];
  const record = await system.waitForLog(
    'backend',
    (line) => line['event'] === 'request' && line['decision_id'] === id,
  );
  assertExplained(record, { stage: 'chain', code: 'CHAIN_MALFORMED', expected: /\w/, remedy: /headers/ });
});

test('policy: the answer has code and decision ID, log and span the rest', async () => {
  const auditorId = system.identities.workload('auditor').spiffeId;
  const answer = await postAs('auditor');
  assert.ok(!(answer instanceof Error), String(answer));
  assert.equal(answer.status, 403);
  assertSafe(answer.body, ['type', 'title', 'status', 'detail', 'code', 'decision_id']);
  const id = String(answer.body['decision_id']);
  for (const event of ['decision', 'request']) {
    const record = await system.waitForLog('backend', (line) => line['event'] === event && line['decision_id'] === id);
    assertExplained(record, {
      stage: 'policy',
      code: 'POLICY_DENIED',
      rule: 'operation-is-granted',
      expected: /POST \/orders$/,
      got: new RegExp(`^${auditorId}: operation-not-granted$`),
      remedy: /npm run generate/,
    });
  }
  await receiver.waitFor(
    () =>
      receiver.spans.some(
        ({ attributes }) =>
          attributes['refusal.code'] === 'POLICY_DENIED' &&
          attributes['refusal.stage'] === 'policy' &&
          attributes['authz.decision_id'] === id,
      ),
    15_000,
  );
});

for (const via of ['http', 'grpc']) {
  test(`handler: db-client explains the order that is not there, asked for by ${via}, and so does each hop`, async () => {
    const id = '0199f2a0-0000-7000-8000-000000000000';
    const answer = await call(`${system.customerUrl}/api/orders/${id}?via=${via}`);
    assert.equal(answer.status, 404, answer.text);
    assert.equal(answer.body?.['reason'], 'ORDER_NOT_FOUND');
    assertSafe(answer.body, ['type', 'title', 'status', 'detail', 'reason', 'trace_id']);
    const trace = answer.body?.['trace_id'];
    for (const service of ['customer', 'backend', 'db-client'] as const) {
      const record = await system.waitForLog(
        service,
        ({ event, trace_id }) => event === 'request' && trace_id === trace,
      );
      assertExplained(record, { stage: 'handler', code: 'ORDER_NOT_FOUND', remedy: /Check its ID/ });
    }
  });
}

test('handler: a field that is wrong is named with its rule, its value is told nobody', async () => {
  const body = { item: 'tea', quantity: -987_654, customer: 'Ada Lovelace', via: 'http' };
  const answer = await call(`${system.customerUrl}/api/orders`, { body });
  assert.equal(answer.status, 400, answer.text);
  assertSafe(answer.body, ['type', 'title', 'status', 'detail', 'reason', 'field', 'trace_id']);
  const trace = answer.body?.['trace_id'];
  const isAbout = ({ event, trace_id }: LogRecord) => event === 'request' && trace_id === trace;
  const record = await system.waitForLog('customer', isAbout);
  assertExplained(record, { stage: 'handler', code: 'FIELD_INVALID', expected: /^quantity must be/ });
  assert.doesNotMatch(JSON.stringify(record), /987654|Lovelace/);
});

test('edge: another name in Host is refused, the log has both names', async () => {
  const answer = await call(`${system.customerUrl}/api/orders`, { headers: { host: 'rebound.example' } });
  assert.equal(answer.status, 421, answer.text);
  assertSafe(answer.body, ['type', 'title', 'status', 'detail', 'reason']);
  const record = await system.waitForLog('customer', ({ code }) => code === 'HOST_NOT_SERVED');
  assertExplained(record, { stage: 'edge', event: 'request', expected: /127\.0\.0\.1/, got: '"rebound.example"' });
});
