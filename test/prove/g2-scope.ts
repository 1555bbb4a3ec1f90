/** G2: a test identity is nobody in production, and federation lets in the partner's identities that are named, and no other. */
import { openEnrolled, partnerTrustDomain, startPartner } from '@countersign/local-stack';
import type { X509Bundle, X509Source } from '@countersign/spiffe-tls';
import { type Answer, callGrpc, callHttps } from './calls.ts';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import type { Notebook } from './notebook.ts';
import { untilBundles } from './trust.ts';

/** The experiments. */
export const scopeExperiments: readonly Experiment[] = [
  {
    id: 'G2.1',
    kind: 'claim',
    title: 'A test identity is refused in production: of a test trust domain, and of a test namespace of the same CA',
    run: refuseTestIdentities,
  },
  {
    id: 'G2.2',
    kind: 'claim',
    title:
      'Federation lets in one named identity of a partner, not its neighbour, and is withdrawn while everything runs',
    run: federate,
  },
];

const HELLO = { path: '/hello' } as const;
const SAY_HELLO = '/countersign.hello.v1.HelloService/SayHello';

/** Calls every listener as somebody who must be refused, and checks the reason in each service's log. */
async function refusedEverywhere(lab: Lab, notes: Notebook, source: X509Source, code: string): Promise<void> {
  const id = String(source.current().svid.id);
  const { backendHttps, backendGrpc, dbClient } = lab.targets;
  const attempts: ReadonlyArray<readonly ['backend' | 'db-client', string, () => Promise<Answer>]> = [
    ['backend', 'backend by HTTPS', () => callHttps(source, backendHttps, HELLO)],
    ['backend', 'backend by gRPC', () => callGrpc(source, backendGrpc, { method: 'SayHello' })],
    ['db-client', 'db-client by gRPC', () => callGrpc(source, dbClient, { method: 'CreateOrder' })],
  ];
  for (const [service, where, attempt] of attempts)
    await refusedAt({ lab, notes, id, code }, { service, where, attempt });
}

interface Refusing {
  readonly lab: Lab;
  readonly notes: Notebook;
  readonly id: string;
  readonly code: string;
}

async function refusedAt(
  { lab, notes, id, code }: Refusing,
  { service, where, attempt }: { service: 'backend' | 'db-client'; where: string; attempt: () => Promise<Answer> },
): Promise<void> {
  const answer = await attempt();
  const isAnswered = answer.status === 200 || answer.status === 'OK';
  if (!notes.check(`${where} answers it`, false, isAnswered)) return;
  const refusal = await lab.refusalOf(service, answer.port);
  notes.check(`${where}, the log: code`, code, String(refusal['code']));
  notes.check(`${where}, the log: whom`, id, String(refusal['peerId']));
}

async function refuseTestIdentities(lab: Lab, notes: Notebook): Promise<void> {
  const customer = await lab.sourceAs('customer');
  notes.step('Control: the production identity is accepted');
  notes.measure('identity', lab.idOf('customer'));
  notes.check('GET /hello', 200, (await callHttps(customer, lab.targets.backendHttps, HELLO)).status);

  notes.step('The same workload of a test trust domain, with a valid certificate of its own CA');
  await using test = await startPartner('test.example', ['customer']);
  const foreign = await test.sourceAs('customer', ownBundle(customer));
  notes.measure('identity', String(foreign.current().svid.id));
  await refusedEverywhere(lab, notes, foreign, 'NO_BUNDLE');

  notes.step('The same workload of another namespace, with a valid certificate of the very CA of production');
  const { trustDomain } = lab.system.identities;
  const spiffeId = `spiffe://${trustDomain}/ns/test/sa/customer`;
  const enrolled = await lab.trust.enroll({ name: 'test-customer', spiffeId, dnsName: `customer.test.${trustDomain}` });
  const source = await openEnrolled(enrolled);
  try {
    notes.check('identity', spiffeId, String(source.current().svid.id));
    await refusedEverywhere(lab, notes, source, 'PEER_NOT_AUTHORIZED');
  } finally {
    source.close();
  }
}

function ownBundle(source: X509Source): X509Bundle {
  const { svid, bundles } = source.current();
  const bundle = bundles.get(svid.id.trustDomain);
  if (bundle === undefined) throw new TypeError(`prove: ${svid.id} has no bundle of its own trust domain`);
  return bundle;
}

async function federate(lab: Lab, notes: Notebook): Promise<void> {
  await using partner = await startPartner(partnerTrustDomain, ['buyer', 'neighbour']);
  const ofSystem = ownBundle(await lab.sourceAs('backend'));
  const buyer = await partner.sourceAs('buyer', ofSystem);
  const neighbour = await partner.sourceAs('neighbour', ofSystem);
  const buyerId = partner.idOf('buyer');
  const grants = { 'GET /hello': {}, [SAY_HELLO]: {} };
  const reachesBackend = () => callHttps(buyer, lab.targets.backendHttps, HELLO);

  notes.step('The policy names the buyer of a partner; nobody trusts the partner yet');
  notes.measure('the buyer', buyerId);
  await lab.grant(lab.idOf('backend'), buyerId, grants);
  await refusedEverywhere(lab, notes, buyer, 'NO_BUNDLE');

  notes.step("The partner's bundle is given to backend alone");
  const document = await partner.bundleDocument();
  await untilBundles(lab.system, ['backend'], () => lab.trust.federate(partner.trustDomain, document, ['backend']));
  await acceptedAsNamed(lab, notes, { buyer, buyerId });
  const atDbClient = () => callGrpc(buyer, lab.targets.dbClient, { method: 'CreateOrder' });
  const where = {
    service: 'db-client',
    where: 'db-client, which was not given the bundle,',
    attempt: atDbClient,
  } as const;
  await refusedAt({ lab, notes, id: buyerId, code: 'NO_BUNDLE' }, where);

  notes.step("The buyer's neighbour, of the same trust domain and the same CA");
  await refusedByBackend(lab, notes, neighbour, 'PEER_NOT_AUTHORIZED');

  notes.step('The grant is withdrawn; the federation stays');
  await lab.grant(lab.idOf('backend'), buyerId, undefined);
  await refusedByBackend(lab, notes, buyer, 'PEER_NOT_AUTHORIZED');

  notes.step('The grant is given back, then the federation is withdrawn; the grant stays');
  await lab.grant(lab.idOf('backend'), buyerId, grants);
  notes.check('GET /hello with the grant', 200, (await reachesBackend()).status);
  await untilBundles(lab.system, ['backend'], () => lab.trust.unfederate(partner.trustDomain));
  await refusedByBackend(lab, notes, buyer, 'NO_BUNDLE');
  await lab.grant(lab.idOf('backend'), buyerId, undefined);
}

async function acceptedAsNamed(
  lab: Lab,
  notes: Notebook,
  { buyer, buyerId }: { buyer: X509Source; buyerId: string },
): Promise<void> {
  const { backendHttps, backendGrpc } = lab.targets;
  const byHttps = await callHttps(buyer, backendHttps, HELLO);
  notes.check('GET /hello', 200, byHttps.status);
  notes.check('whom backend greets', `{"message":"Hello ${buyerId} from the server"}`, byHttps.text);
  notes.check('SayHello', 'OK', (await callGrpc(buyer, backendGrpc, { method: 'SayHello' })).status);
  const beyond = await callHttps(buyer, backendHttps, { path: '/orders' });
  notes.check('GET /orders, which was not granted', 403, beyond.status);
  notes.check('its code', 'POLICY_DENIED', beyond.code);
}

async function refusedByBackend(lab: Lab, notes: Notebook, source: X509Source, code: string): Promise<void> {
  const id = String(source.current().svid.id);
  const byHttps = () => callHttps(source, lab.targets.backendHttps, HELLO);
  await refusedAt({ lab, notes, id, code }, { service: 'backend', where: 'backend by HTTPS', attempt: byHttps });
  const byGrpc = () => callGrpc(source, lab.targets.backendGrpc, { method: 'SayHello' });
  await refusedAt({ lab, notes, id, code }, { service: 'backend', where: 'backend by gRPC', attempt: byGrpc });
}
