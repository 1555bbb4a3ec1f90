/** G4: a service that nobody had heard of joins, and what a static credential does instead. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { fileURLToPath } from 'node:url';
import type { Enrolled, PartName } from '@countersign/local-stack';
import { createTestCa } from '@countersign/testkit';
import { sendHttps } from './calls.ts';
import { createWebIdentity, startContrastServer } from './contrast-servers.ts';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import type { Notebook } from './notebook.ts';

/** The experiments. */
export const newcomerExperiments: readonly Experiment[] = [
  {
    id: 'G4.2',
    kind: 'claim',
    title: 'A fourth service joins with one entry and one grant: nothing else is changed or restarted',
    run: join,
  },
  {
    id: 'G4.3',
    kind: 'contrast',
    title: 'A client certificate of ten years goes on working after it was replaced',
    run: keepCertificate,
  },
  {
    id: 'G4.4',
    kind: 'contrast',
    title: 'A shared secret goes on working after it was replaced, until every client has the new one',
    run: keepSecret,
  },
];

const PARTS: readonly PartName[] = ['customer', 'backend', 'db-client', 'postgres', 'trust-domain'];

async function join(lab: Lab, notes: Notebook): Promise<void> {
  const name = 'courier';
  const { trustDomain, namespace } = lab.system.identities;
  const spiffeId = lab.idOf('customer').replace(/customer$/, name);
  const before = PARTS.map((part) => lab.system.pidOf(part));

  notes.step('One entry in the trust domain');
  const startedAt = performance.now();
  const dnsName = `${name}.${namespace}.${trustDomain}`;
  const enrolled = await lab.trust.enroll({ name, spiffeId, dnsName });
  notes.measure('the new identity', spiffeId);
  const early = await runFourthService(lab, enrolled);
  notes.check('the service has its identity', spiffeId, early.self);
  notes.check('and is answered by backend, which knows no grant for it', false, early.status === 200);
  const refusal = await lab.refusalOf('backend', early.port);
  notes.check("backend's log: code", 'PEER_NOT_AUTHORIZED', String(refusal['code']));

  notes.step('One grant in the policy');
  const grantedAt = performance.now();
  await lab.grant(lab.idOf('backend'), spiffeId, { 'GET /hello': {} });
  notes.measure('milliseconds until the services decide by it', Math.round(performance.now() - grantedAt));
  const answer = await runFourthService(lab, enrolled);
  notes.check('GET /hello', 200, answer.status);
  notes.check('whom backend greets', `{"message":"Hello ${spiffeId} from the server"}`, answer.text);
  notes.measure('milliseconds from the entry to this answer', Math.round(performance.now() - startedAt));
  notes.check(
    'process IDs of everything else, before and after',
    before,
    PARTS.map((part) => lab.system.pidOf(part)),
  );
  await lab.grant(lab.idOf('backend'), spiffeId, undefined);
}

interface Said {
  readonly self?: string;
  readonly status?: number | string;
  readonly text?: string;
  readonly port?: number;
}

/** Runs the program, as a process of its own, once. */
async function runFourthService({ targets }: Lab, { endpoint, hint }: Enrolled): Promise<Said> {
  const child = fork(fileURLToPath(new URL('./fourth-service.ts', import.meta.url)), [], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      SPIFFE_ENDPOINT_SOCKET: endpoint,
      BACKEND_ADDRESS: targets.backendHttps.address,
      BACKEND_SPIFFE_ID: targets.backendHttps.spiffeId,
      ...(hint === undefined ? {} : { SPIFFE_HINT: hint }),
    },
  });
  let said: Said = {};
  child.on('message', (message: Said) => {
    said = message;
  });
  await once(child, 'exit');
  return said;
}

const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;

async function keepCertificate(_lab: Lab, notes: Notebook): Promise<void> {
  const identity = await createWebIdentity();
  const clients = await createTestCa({ trustDomain: 'clients.example' });
  const notAfter = new Date(Date.now() + TEN_YEARS_MS);
  const issue = () => clients.issue({ notAfter });
  const former = await issue();
  const mutual = { ...identity.server, requestCert: true, rejectUnauthorized: true, ca: clients.pem };
  await using server = await startContrastServer(mutual, () => 'whoever has a certificate of this CA');
  const callWith = async ({ certificatePem, keyPem }: Awaited<ReturnType<typeof issue>>) => {
    const agent = new Agent({ ...identity.client, cert: certificatePem, key: keyPem });
    const { status } = await sendHttps(agent, server.address, { path: '/orders' });
    agent.destroy();
    return status;
  };
  notes.step('A client is issued a certificate of ten years, then its successor');
  notes.measure('the end of both', notAfter.toISOString());
  notes.check('with the former, before', 200, await callWith(former));
  const successor = await issue();
  notes.check('with the successor', 200, await callWith(successor));
  notes.step('Somebody kept the former with its key');
  notes.check('with the former, after it was replaced', 200, await callWith(former));
}

async function keepSecret(_lab: Lab, notes: Notebook): Promise<void> {
  const identity = await createWebIdentity();
  const former = randomBytes(32).toString('base64url');
  const accepted = new Set([former]);
  await using server = await startContrastServer(identity.server, ({ headers }) =>
    accepted.has(headers.authorization?.replace(/^Secret /, '') ?? '') ? 'whoever has the secret' : undefined,
  );
  const callWith = async (secret: string) => {
    const agent = new Agent(identity.client);
    const call = { path: '/orders', headers: { authorization: `Secret ${secret}` } };
    const { status } = await sendHttps(agent, server.address, call);
    agent.destroy();
    return status;
  };
  notes.step('The secret is replaced as one does without an outage: the server takes both while clients change over');
  notes.check('with the former, before', 200, await callWith(former));
  const successor = randomBytes(32).toString('base64url');
  accepted.add(successor);
  notes.check('with the successor', 200, await callWith(successor));
  notes.step('Somebody kept the former');
  notes.check('with the former, after it was replaced', 200, await callWith(former));
  notes.check('with another', 401, await callWith('another'));
}
