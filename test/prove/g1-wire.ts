/** G1 on the wire: a handshake and a request that were captured whole, and a machine in the middle. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type LogRecord, recordsFromNow } from '@countersign/local-stack';
import { createSpiffeHttp2Server, createSpiffeHttpsServer, dangerouslyAuthorizeAnyPeer } from '@countersign/spiffe-tls';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import { like, type Notebook } from './notebook.ts';
import { countOrders, placeOrder, uniqueItem } from './orders.ts';
import { type Capture, tlsRecordsOf } from './relay.ts';
import { replayBytes } from './replay.ts';

const VIAS = ['http', 'grpc'] as const;
type Via = (typeof VIAS)[number];

const ENCRYPTED = 23;
const PATIENCE_MS = 5_000;

/** The experiments. */
export const wireExperiments: readonly Experiment[] = [
  {
    id: 'G1.1',
    kind: 'claim',
    title: 'A whole connection that was captured, handshake and order, is useless when its bytes are sent again',
    async run(lab, notes) {
      for (const via of VIAS) await captureAndReplay(lab, notes, via);
    },
  },
  {
    id: 'G1.2',
    kind: 'claim',
    title:
      'A machine in the middle that ends TLS itself is not sent one request, even with a valid identity of the same CA',
    async run(lab, notes) {
      for (const via of VIAS) await endTlsInTheMiddle(lab, notes, via);
    },
  },
];

async function captureAndReplay(lab: Lab, notes: Notebook, via: Via): Promise<void> {
  const { customerUrl } = lab.system;
  const item = uniqueItem('captured');
  const capture = await captureOrder(lab, notes, { item, via });
  notes.step(`The captured bytes are sent to backend on a new connection (${via})`);
  const target = via === 'http' ? lab.targets.backendHttps : lab.targets.backendGrpc;
  const replayed = await replayBytes(target.address, Buffer.concat(capture.toServer));
  notes.measure('bytes that backend answered before it closed', replayed.answered);
  notes.check('the connection', 'closed by the server', replayed.ended);
  const refusal = await lab.refusalOf('backend', replayed.port);
  notes.check("backend's log about this port: code", 'NOT_VERIFIED', String(refusal['code']));
  notes.check("backend's log about this port: got", like(/BAD_RECORD_MAC/), String(refusal['got']));
  notes.check('orders of this item', 1, await countOrders(customerUrl, item));
  await replayInPlace(lab, notes, { item, via });
}

/** The order of a user, through the relay, on a connection that was made for it. */
async function captureOrder(lab: Lab, notes: Notebook, order: { item: string; via: Via }): Promise<Capture> {
  notes.step(`An order by ${order.via} passes through a relay that keeps every byte`);
  const relay = order.via === 'http' ? lab.relays.https : lab.relays.grpc;
  const captures = relay.record();
  const placed = await placeOrder(lab.system.customerUrl, order);
  relay.stopRecording();
  notes.check("the edge's answer to the order", 201, placed.status);
  const [capture] = captures;
  if (capture === undefined) throw new Error('prove: the order did not pass through the relay');
  const bytes = Buffer.concat([...capture.toServer, ...capture.toClient]);
  notes.measure('bytes kept, to backend and back', [sizeOf(capture.toServer), sizeOf(capture.toClient)]);
  notes.measure('TLS records to backend, of which encrypted', countRecords(capture));
  for (const [what, text] of [
    ["the order's item", order.item],
    ['a SPIFFE ID', 'spiffe://'],
  ] as const)
    notes.check(`${what} in the clear among the bytes`, false, bytes.includes(text));
  return capture;
}

/** The same order's last record once more, in the connection that it belongs to: that is what an attacker on the wire can also do. */
async function replayInPlace(lab: Lab, notes: Notebook, order: { item: string; via: Via }): Promise<void> {
  const again = { ...order, item: uniqueItem('captured') };
  const capture = await captureOrder(lab, notes, again);
  notes.step(`The order's own encrypted record is sent again within the open connection (${order.via})`);
  const requests = tlsRecordsOf(capture.toServer).filter(({ type }) => type === ENCRYPTED);
  const largest = requests.toSorted((one, other) => other.bytes.length - one.bytes.length).at(0);
  const last = order.via === 'http' ? requests.at(-1) : largest;
  if (last === undefined) throw new Error('prove: nothing encrypted was captured');
  notes.measure('bytes of the record', last.bytes.length);
  capture.inject(last.bytes);
  notes.check('the connection', 'closed', await endOf(capture));
  const next = await placeOrder(lab.system.customerUrl, { ...order, item: uniqueItem('next') });
  notes.check('the next order, on a new connection', 201, next.status);
  notes.check('orders of this item', 1, await countOrders(lab.system.customerUrl, again.item));
}

async function endOf({ closed }: Capture): Promise<'closed' | 'still open'> {
  const waited = Promise.withResolvers<'still open'>();
  const timer = setTimeout(() => waited.resolve('still open'), PATIENCE_MS);
  try {
    return await Promise.race([closed.then(() => 'closed' as const), waited.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function sizeOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function countRecords({ toServer }: Capture): readonly [number, number] {
  const records = tlsRecordsOf(toServer);
  return [records.length, records.filter(({ type }) => type === ENCRYPTED).length];
}

/** The connection that was cut may take one order with it: the next one needs a new connection. */
async function orderUntilRefused(lab: Lab, notes: Notebook, order: { item: string; via: Via }): Promise<LogRecord> {
  const isSince = recordsFromNow();
  const isRefusal = (record: LogRecord) => record['event'] === 'refused' && isSince(record);
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const placed = await placeOrder(lab.system.customerUrl, order);
    notes.check("the edge's answer to the order", like(/^5\d\d$/), String(placed.status));
    const [refused] = lab.system.findLogs('customer', isRefusal);
    if (refused !== undefined) return refused;
  }
  return await lab.system.waitForLog('customer', isRefusal, PATIENCE_MS);
}

async function endTlsInTheMiddle(lab: Lab, notes: Notebook, via: Via): Promise<void> {
  notes.step(`The relay leads customer to a server that has the identity of auditor (${via})`);
  const source = await lab.sourceAs('auditor');
  let requests = 0;
  const accept = { source, authorize: dangerouslyAuthorizeAnyPeer() };
  const server =
    via === 'http'
      ? createSpiffeHttpsServer(accept, (_request, response) => {
          requests += 1;
          response.end('{}');
        })
      : createSpiffeHttp2Server(accept, (_request, response) => {
          requests += 1;
          response.end();
        });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const relay = via === 'http' ? lab.relays.https : lab.relays.grpc;
  const item = uniqueItem('intercepted');
  try {
    relay.leadTo(`127.0.0.1:${port}`);
    const refused = await orderUntilRefused(lab, notes, { item, via });
    notes.check("customer's log: code", 'PEER_NOT_AUTHORIZED', String(refused['code']));
    notes.check("customer's log: expected", like(new RegExp(lab.idOf('backend'))), String(refused['expected']));
    notes.check(
      "customer's log: got",
      like(new RegExp(lab.idOf('auditor'))),
      String(refused['got'] ?? refused['peerId']),
    );
    notes.check('requests that the machine in the middle was sent', 0, requests);
  } finally {
    relay.leadTo(via === 'http' ? lab.system.addresses.backend.https : lab.system.addresses.backend.grpc);
    server.close();
  }
  notes.check('orders of this item', 0, await countOrders(lab.system.customerUrl, item));
}
