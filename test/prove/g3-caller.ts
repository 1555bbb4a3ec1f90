/** G3: at each hop log line, span and decision record say who calls and for whom, and the decision depends on it. */
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import type { LogRecord, ProgramName } from '@countersign/local-stack';
import type { X509Source } from '@countersign/spiffe-tls';
import type { ReceivedSpan } from '../integration/otlp-receiver.ts';
import { type Answer, callGrpc, callHttps, parseObject, sendHttps } from './calls.ts';
import { chainHeaders, signChain } from './chains.ts';
import { createWebIdentity, startContrastServer } from './contrast-servers.ts';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import { like, type Notebook } from './notebook.ts';
import { placeOrder, uniqueItem } from './orders.ts';

/** The experiments. */
export const callerExperiments: readonly Experiment[] = [
  {
    id: 'G3.1',
    kind: 'claim',
    title:
      'One order: each hop writes down who it is, who called it and who began it, in log, span and decision record, as one transaction',
    async run(lab, notes) {
      for (const via of ['http', 'grpc'] as const) await followOrder(lab, notes, via);
    },
  },
  { id: 'G3.2', kind: 'claim', title: 'What is answered depends on who calls, and for whom', run: decideByCaller },
  { id: 'G3.3', kind: 'claim', title: 'Headers that claim another identity change nothing', run: forgeHeaders },
  {
    id: 'G3.4',
    kind: 'contrast',
    title: 'A server that believes a header takes anybody for whom the header names',
    run: believeHeaders,
  },
];

const SERVER = 2;
const SPANS_MS = 15_000;
const CREATE_ORDER = '/countersign.orders.v1.OrderService/CreateOrder';

async function followOrder(lab: Lab, notes: Notebook, via: 'http' | 'grpc'): Promise<void> {
  notes.step(`An order is placed by ${via}`);
  const placed = await placeOrder(lab.system.customerUrl, { item: uniqueItem('followed'), via });
  notes.check("the edge's answer", 201, placed.status);
  notes.measure('trace', placed.traceId);
  notes.check(
    'created_by in the database: the origin, as db-client verified it',
    lab.idOf('customer'),
    placed.createdBy,
  );
  const edge = await requestOf(lab, 'customer', placed.traceId);
  const txn = String(edge['txn']);
  notes.check('customer, log: self', lab.idOf('customer'), String(edge['self']));
  notes.check('customer, log: transaction', like(/^[\w-]{22}$/), txn);
  for (const [service, peer] of [
    ['backend', 'customer'],
    ['db-client', 'backend'],
  ] as const)
    await followHop(lab, notes, { service, peer, traceId: placed.traceId, txn });
}

interface Hop {
  readonly service: 'backend' | 'db-client';
  readonly peer: string;
  readonly traceId: string;
  readonly txn: string;
}

async function followHop(lab: Lab, notes: Notebook, { service, peer, traceId, txn }: Hop): Promise<void> {
  notes.step(`What ${service} wrote down`);
  const line = await requestOf(lab, service, traceId);
  const decisionId = String(line['decision_id']);
  const decision = await lab.system.waitForLog(
    service,
    (record) => record['event'] === 'decision' && record['decision_id'] === decisionId,
  );
  const span = await spanOf(lab, service, traceId);
  notes.measure('decision', decisionId);
  notes.measure('span', span.spanId);
  const expected = { self: lab.idOf(service), peer: lab.idOf(peer), origin: lab.idOf('customer') };
  for (const [name, id] of Object.entries(expected)) {
    notes.check(`log line: ${name}`, id, String(line[name]));
    notes.check(`span: ${name}`, id, span.attributes[`spiffe.${name}.id`]);
    notes.check(`decision record: ${name}`, id, identityIn(decision, name));
  }
  notes.check('log line: transaction', txn, String(line['txn']));
  notes.check('span: transaction', txn, span.attributes['caller_chain.txn']);
  notes.check('span: decision', decisionId, span.attributes['authz.decision_id']);
  notes.check('log line: decision', 'allow', String(line['decision']));
}

function requestOf(lab: Lab, service: ProgramName, traceId: string): Promise<LogRecord> {
  return lab.system.waitForLog(service, (record) => record['event'] === 'request' && record['trace_id'] === traceId);
}

async function spanOf({ telemetry }: Lab, service: string, traceId: string): Promise<ReceivedSpan> {
  const find = (spans: readonly ReceivedSpan[]) =>
    spans.find(
      (span) =>
        span.traceId === traceId &&
        span.service === service &&
        span.kind === SERVER &&
        span.attributes['authz.decision_id'] !== undefined,
    );
  await telemetry.waitFor(() => find(telemetry.spans) !== undefined, SPANS_MS);
  const found = find(telemetry.spans);
  if (found === undefined) throw new Error(`prove: ${service} exported no span of ${traceId}`);
  return found;
}

/** What the policy was told: its own ID, its peer's, and the first of the chain. */
function identityIn({ input }: LogRecord, name: string): string {
  const { self, peer, chain } = asObject(input);
  if (name === 'origin') return String(asObject(Array.isArray(chain) ? chain[0] : undefined)['spiffe_id']);
  return String(asObject(name === 'self' ? self : peer)['spiffe_id']);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Reads an order of backend by HTTPS, with a chain that begins with the caller. */
async function readOrder(
  lab: Lab,
  source: X509Source,
  { id, headers = {} }: { readonly id: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<Answer> {
  const path = `/orders/${id}`;
  const chain = await signChain(source, { audience: lab.idOf('backend'), act: `GET ${path}` });
  return await callHttps(source, lab.targets.backendHttps, { path, headers: { ...headers, ...chainHeaders(chain) } });
}

function customerIn({ text }: Answer): string {
  return String(asObject(parseObject(text)['order'])['customer']);
}

async function decideByCaller(lab: Lab, notes: Notebook): Promise<void> {
  const [customer, auditor, backend] = await Promise.all([
    lab.sourceAs('customer'),
    lab.sourceAs('auditor'),
    lab.sourceAs('backend'),
  ]);
  const { id } = await placeOrder(lab.system.customerUrl, { item: uniqueItem('read'), via: 'grpc', customer: 'Ada' });
  notes.step('The same order is read by customer and by auditor');
  for (const [name, source, sees] of [
    ['customer', customer, 'Ada'],
    ['auditor', auditor, '[masked]'],
  ] as const) {
    const answer = await readOrder(lab, source, { id });
    notes.check(`${name}: status`, 200, answer.status);
    notes.check(`${name}: the customer's name in the answer`, sees, customerIn(answer));
  }

  notes.step('Auditor places an order');
  const chain = await signChain(auditor, { audience: lab.idOf('backend'), act: 'POST /orders' });
  const order = { item: uniqueItem('denied'), quantity: 1, customer: 'nobody' };
  const call = { path: '/orders', body: order, headers: chainHeaders(chain) };
  const denied = await callHttps(auditor, lab.targets.backendHttps, call);
  notes.check('status', 403, denied.status);
  notes.check('code', 'POLICY_DENIED', denied.code);
  notes.measure('decision', denied.decisionId);

  notes.step('Backend, compromised, calls db-client and leaves the chain out: a peer alone is not enough there');
  const without = await callGrpc(backend, lab.targets.dbClient, { method: 'CreateOrder', request: order });
  notes.check('status', 'PERMISSION_DENIED', without.status);
  notes.check('reason in the decision record', 'chain-required', await reasonOf(lab, 'db-client', without));

  notes.step('Backend, compromised, calls db-client as the origin itself');
  const own = await signChain(backend, { audience: lab.idOf('db-client'), act: CREATE_ORDER });
  const asOrigin = { method: 'CreateOrder', request: order, headers: chainHeaders(own) } as const;
  const refused = await callGrpc(backend, lab.targets.dbClient, asOrigin);
  notes.check('status', 'PERMISSION_DENIED', refused.status);
  notes.check('reason in the decision record', 'origin-not-allowed', await reasonOf(lab, 'db-client', refused));
}

async function reasonOf(lab: Lab, service: ProgramName, { decisionId }: Answer): Promise<string> {
  const record = await lab.system.waitForLog(
    service,
    (line) => line['event'] === 'decision' && line['decision_id'] === decisionId,
  );
  return String(asObject(record['result'])['reason']);
}

async function forgeHeaders(lab: Lab, notes: Notebook): Promise<void> {
  const auditor = await lab.sourceAs('auditor');
  const { id } = await placeOrder(lab.system.customerUrl, { item: uniqueItem('read'), via: 'grpc', customer: 'Ada' });
  const claimed = lab.idOf('customer');
  const traceId = randomBytes(16).toString('hex');
  const headers = {
    // Chosen by the caller too, and good for finding the line: it says nothing about who calls.
    traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
    'x-spiffe-id': claimed,
    'x-forwarded-client-cert': `By=${lab.idOf('backend')};URI=${claimed}`,
    'x-forwarded-user': claimed,
    baggage: `spiffe.peer.id=${claimed},spiffe.origin.id=${claimed}`,
  };
  notes.step('Auditor reads an order and says in four headers that it is customer');
  notes.measure('headers', Object.keys(headers).slice(1));
  const answer = await readOrder(lab, auditor, { id, headers });
  notes.check('status', 200, answer.status);
  notes.check("the customer's name in the answer", '[masked]', customerIn(answer));
  const line = await requestOf(lab, 'backend', traceId);
  notes.check('log line: peer', lab.idOf('auditor'), String(line['peer']));
  notes.check('log line: origin', lab.idOf('auditor'), String(line['origin']));
}

async function believeHeaders(lab: Lab, notes: Notebook): Promise<void> {
  const identity = await createWebIdentity();
  await using server = await startContrastServer(identity.server, ({ headers }) => {
    const named = headers['x-spiffe-id'];
    return typeof named === 'string' ? named : undefined;
  });
  notes.step('Somebody without any identity names customer in a header of the contrast server');
  const agent = new Agent(identity.client);
  const call = { path: '/orders', headers: { 'x-spiffe-id': lab.idOf('customer') } };
  const answer = await sendHttps(agent, server.address, call);
  agent.destroy();
  notes.check('status', 200, answer.status);
  notes.check('whom it greets', `Hello ${lab.idOf('customer')}`, answer.text);
}
