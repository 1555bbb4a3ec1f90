/**
 * CONTRAST to G1: the same capture in the same place, of a bearer token and of a shared secret. Whoever ends TLS before the
 * service reads them, and whoever read them is the client from then on.
 */
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import {
  bearerTokenOf,
  createWorkloadApiJwtBundleSource,
  fetchJwtSvid,
  validateJwtSvid,
} from '@countersign/spiffe-tls';
import { sendHttps } from './calls.ts';
import {
  type ContrastServer,
  createWebIdentity,
  sendOverTls,
  startContrastServer,
  startTerminatingProxy,
  type WebIdentity,
} from './contrast-servers.ts';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import { like, type Notebook } from './notebook.ts';

/** The experiments. */
export const replayContrasts: readonly Experiment[] = [
  {
    id: 'G1.6',
    kind: 'contrast',
    title: 'A bearer token (a JWT-SVID) that a proxy saw is accepted from anybody, again and again',
    run: replayBearerToken,
  },
  {
    id: 'G1.7',
    kind: 'contrast',
    title: 'A shared secret that a proxy saw is accepted from anybody, again and again',
    run: replaySharedSecret,
  },
];

const AUDIENCE = 'contrast-orders';
const REPLAYS = 3;

async function replayBearerToken(lab: Lab, notes: Notebook): Promise<void> {
  const endpoint = await lab.socketAs('customer');
  await using bundles = createWorkloadApiJwtBundleSource({ endpoint });
  await bundles.ready();
  const identity = await createWebIdentity();
  await using server = await startContrastServer(identity.server, (request) => {
    const token = bearerTokenOf(request);
    if (token === undefined) return undefined;
    return String(validateJwtSvid(token, { audience: AUDIENCE, bundles, nowMs: Date.now() }).id);
  });
  const svid = await fetchJwtSvid({ audience: AUDIENCE }, { endpoint });
  await captureAndReplay(notes, {
    ...{ identity, server, name: lab.idOf('customer') },
    authorization: `Bearer ${svid.token()}`,
    lasts: `until ${new Date(svid.expiresAtMs).toISOString()}`,
  });
}

async function replaySharedSecret(_lab: Lab, notes: Notebook): Promise<void> {
  const secret = randomBytes(32).toString('base64url');
  const identity = await createWebIdentity();
  await using server = await startContrastServer(identity.server, ({ headers }) =>
    headers.authorization === `Secret ${secret}` ? 'whoever has the secret' : undefined,
  );
  await captureAndReplay(notes, {
    ...{ identity, server, name: 'whoever has the secret' },
    authorization: `Secret ${secret}`,
    lasts: 'until somebody changes it at both ends',
  });
}

interface Weaker {
  readonly identity: WebIdentity;
  readonly server: ContrastServer;
  readonly authorization: string;
  /** Whom the server takes the client for. */
  readonly name: string;
  /** How long the capture works. */
  readonly lasts: string;
}

async function captureAndReplay(
  notes: Notebook,
  { identity, server, authorization, name, lasts }: Weaker,
): Promise<void> {
  notes.step('A client calls the contrast server through a proxy that ends TLS');
  await using proxy = await startTerminatingProxy(identity, server.address);
  const agent = new Agent(identity.client);
  const call = { path: '/orders', headers: { authorization } };
  const answer = await sendHttps(agent, proxy.address, call);
  agent.destroy();
  const captured = Buffer.concat([...proxy.seen]);
  notes.check('the client is answered', 200, answer.status);
  notes.check('the credential in the clear among what the proxy saw', true, captured.includes(authorization));
  notes.measure('bytes that the proxy saw', captured.length);

  notes.step('Somebody without any certificate sends the captured bytes again, on connections of their own');
  const lines: string[] = [];
  for (let time = 0; time < REPLAYS; time += 1)
    lines.push(await sendOverTls(server.address, identity.client, captured));
  for (const [index, line] of lines.entries())
    notes.check(`answer to replay ${index + 1}, as ${name}`, like(/^HTTP\/1\.1 200 /), line);
  notes.check('requests that the server accepted', 1 + REPLAYS, server.accepted);
  notes.measure('it goes on', lasts);

  notes.step('Without the credential the same server refuses: it does check');
  const without = Buffer.from(captured.toString('latin1').replace(authorization, 'Bearer none'), 'latin1');
  notes.check('answer', like(/^HTTP\/1\.1 401 /), await sendOverTls(server.address, identity.client, without));
}
