/** G1 for the caller chain: a link that a compromised backend was sent, kept, and presented again. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { EncodedChain } from '@countersign/caller-chain';
import { createSpiffeHttpsServer, dangerouslyAuthorizeAnyPeer, type X509Source } from '@countersign/spiffe-tls';
import { callGrpc, callHttps } from './calls.ts';
import { chainHeaders, chainOf, claimsOf, signChain } from './chains.ts';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import type { Notebook } from './notebook.ts';
import { countOrders, placeOrder, uniqueItem } from './orders.ts';

/** The experiments. */
export const linkExperiments: readonly Experiment[] = [
  {
    id: 'G1.3',
    kind: 'claim',
    title:
      'A link of the caller chain that a compromised backend keeps is refused when another presents it, elsewhere, or for something else',
    run: presentElsewhere,
  },
  {
    id: 'G1.4',
    kind: 'claim',
    title: 'A link of the caller chain is accepted once',
    run: presentTwice,
  },
  {
    id: 'G1.5',
    kind: 'claim',
    title: 'A link of the caller chain that is kept is useless half a minute later',
    run: presentLater,
  },
];

const CREATE_ORDER = '/countersign.orders.v1.OrderService/CreateOrder';
const ACT = 'POST /orders';
/** The verifier's leeway, and some time for the request. */
const LEEWAY_MS = 6_000;
const SHORT_LIFE_MS = 1_000;

/** Customer's own link, as the backend it calls is sent it. */
async function captureLink(lab: Lab, notes: Notebook): Promise<EncodedChain> {
  notes.step(
    'Customer calls a backend that is compromised: it has the identity of backend, and keeps the link it was sent',
  );
  const kept: EncodedChain[] = [];
  const source = await lab.sourceAs('backend');
  const server = createSpiffeHttpsServer({ source, authorize: dangerouslyAuthorizeAnyPeer() }, (request, response) => {
    const chain = chainOf(request.headers);
    if (chain !== undefined) kept.push(chain);
    response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    lab.relays.https.leadTo(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (let attempt = 0; attempt < 3 && kept.length === 0; attempt += 1)
      await placeOrder(lab.system.customerUrl, { item: uniqueItem('kept'), via: 'http' });
  } finally {
    lab.relays.https.leadTo(lab.system.addresses.backend.https);
    server.closeAllConnections();
    server.close();
  }
  const [link] = kept;
  if (link === undefined) throw new Error('prove: customer sent no link');
  const { iss, aud, act, txn } = claimsOf(link);
  for (const [name, value] of Object.entries({ iss, aud, act, txn })) notes.measure(name, String(value));
  notes.check('it was made by', lab.idOf('customer'), String(iss));
  notes.check('for', lab.idOf('backend'), String(aud));
  return link;
}

async function presentElsewhere(lab: Lab, notes: Notebook): Promise<void> {
  const headers = chainHeaders(await captureLink(lab, notes));
  const [customer, auditor, backend] = await Promise.all(['customer', 'auditor', 'backend'].map(lab.sourceAs));
  if (customer === undefined || auditor === undefined || backend === undefined)
    throw new TypeError('prove: identities');
  const order = { item: uniqueItem('kept'), quantity: 1, customer: 'nobody' };

  notes.step('Auditor, who may call backend, presents it there as its own');
  const byAuditor = await callHttps(auditor, lab.targets.backendHttps, { path: '/orders', body: order, headers });
  notes.check('status', 401, byAuditor.status);
  notes.check('code', 'CHAIN_PEER_MISMATCH', byAuditor.code);

  notes.step('The compromised backend presents it to db-client as it is, without a link of its own');
  const byBackend = await callGrpc(backend, lab.targets.dbClient, { method: 'CreateOrder', request: order, headers });
  notes.check('status', 'UNAUTHENTICATED', byBackend.status);
  notes.check('code', 'CHAIN_PEER_MISMATCH', byBackend.code);

  notes.step("Even customer's own identity can't use it for something else");
  const forAnother = await callHttps(customer, lab.targets.backendHttps, { path: '/orders', headers });
  notes.check('GET /orders, status', 401, forAnother.status);
  notes.check('GET /orders, code', 'CHAIN_ACT_MISMATCH', forAnother.code);

  notes.step("Nor elsewhere: db-client's policy names customer for a moment, so that the link alone is in the way");
  await lab.grant(lab.idOf('db-client'), lab.idOf('customer'), { [CREATE_ORDER]: {} });
  try {
    const elsewhere = await callGrpc(customer, lab.targets.dbClient, {
      method: 'CreateOrder',
      request: order,
      headers,
    });
    notes.check('status', 'UNAUTHENTICATED', elsewhere.status);
    notes.check('code', 'CHAIN_AUDIENCE_MISMATCH', elsewhere.code);
  } finally {
    await lab.grant(lab.idOf('db-client'), lab.idOf('customer'), undefined);
  }
  notes.check('orders that came of it', 0, await countOrders(lab.system.customerUrl, order.item));
}

async function presentTwice(lab: Lab, notes: Notebook): Promise<void> {
  const headers = chainHeaders(await captureLink(lab, notes));
  const customer = await lab.sourceAs('customer');
  const order = { item: uniqueItem('kept'), quantity: 1, customer: 'nobody' };
  const send = () => callHttps(customer, lab.targets.backendHttps, { path: '/orders', body: order, headers });

  notes.step("Who has customer's key besides sends it to the true backend, which has not seen it: it is a good link");
  notes.check('status', 201, (await send()).status);

  notes.step('The same, again');
  const again = await send();
  notes.check('status', 401, again.status);
  notes.check('code', 'CHAIN_REPLAYED', again.code);
  const decision = again.decisionId;
  const record = await lab.system.waitForLog(
    'backend',
    (line) => line['decision_id'] === decision && line['event'] === 'decision',
  );
  notes.measure("backend's decision record", String(decision));
  notes.check('its error', true, JSON.stringify(record['error']).includes('CHAIN_REPLAYED'));
  notes.check('orders that came of both', 1, await countOrders(lab.system.customerUrl, order.item));
}

async function presentLater(lab: Lab, notes: Notebook): Promise<void> {
  const customer = await lab.sourceAs('customer');
  const isWhole = lab.effort.seconds >= 60;
  const link = isWhole ? await captureLink(lab, notes) : await shortLink(lab, notes, customer);
  const { iat, exp } = claimsOf(link);
  const livesMs = (Number(exp) - Number(iat)) * 1_000;
  notes.step('It is presented once its time is over, by the identity that made it, to whom it was made for');
  notes.measure('its life in seconds', livesMs / 1_000);
  await pause(Math.max(0, Number(exp) * 1_000 + LEEWAY_MS - Date.now()));
  const order = { item: uniqueItem('kept'), quantity: 1, customer: 'nobody' };
  const call = { path: '/orders', body: order, headers: chainHeaders(link) };
  const late = await callHttps(customer, lab.targets.backendHttps, call);
  notes.check('life of at most 60 s', true, livesMs > 0 && livesMs <= 60_000);
  notes.check('status', 401, late.status);
  notes.check('code', 'CHAIN_EXPIRED', late.code);
}

/** The same with a shorter life, for a short run. */
async function shortLink(lab: Lab, notes: Notebook, customer: X509Source): Promise<EncodedChain> {
  notes.step('A link of customer that lives a second is kept');
  const link = await signChain(customer, { audience: lab.idOf('backend'), act: ACT, lifeMs: SHORT_LIFE_MS });
  notes.check('it was made by', lab.idOf('customer'), String(claimsOf(link)['iss']));
  return link;
}
