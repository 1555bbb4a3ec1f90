/**
 * A real Express application on loopback behind the guard, and a client that sends request targets as they are.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, request, type Server } from 'node:http';
import type { TestContext } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import express, { type Express, type Request } from 'express';
import { currentCall, requireCall } from '../src/call-context.ts';
import type { DecisionRecord } from '../src/decision-record.ts';
import { assertGuardedRoutes } from '../src/guarded-routes.ts';
import { createHttpGuard, type HttpGuardOptions } from '../src/http-guard.ts';
import { applyObligations } from '../src/obligations.ts';
import { CALLER, peerOfId, SELF } from './bundles.ts';
import { engineOver, policy } from './engines.ts';

export const engine = engineOver(policy);

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Rig {
  readonly records: DecisionRecord[];
  /** What handlers saw, one entry for each request that reached one. */
  readonly handled: string[];
  readonly send: (method: string, path: string, headers?: OutgoingHttpHeaders, body?: string) => Promise<Reply>;
}

/** Routes that are laxer than the policy on purpose: Express's defaults ignore case and a slash at the end. */
export function application(options: HttpGuardOptions, handled: string[]): Express {
  const guard = createHttpGuard(options);
  const app = express();
  const answer = (request: Request, status = 200) => {
    const call = currentCall();
    handled.push(`${request.method} ${request.originalUrl}`);
    request.res?.status(status).json({ peer: call?.peer.id, decision: call?.decision.decisionId });
  };
  app.use(guard.wellFormed);
  app.get('/', guard('GET /'), (request) => answer(request));
  app.get('/things', guard('GET /things'), (request) => answer(request));
  app.get('/things/:id', guard('GET /things/{id}'), (request, response) => {
    handled.push(`${request.method} ${request.originalUrl}`);
    response.json(applyObligations(requireCall().decision, { id: request.params['id'], owner: 'somebody' }));
  });
  app.post('/things', guard('POST /things'), express.json(), async (request: Request) => {
    await new Promise(setImmediate);
    answer(request, 201);
  });
  app.delete('/things/:id', guard('DELETE /things/{id}'), (request) => answer(request));
  // A mistake: another route's guard. It must not lend its grant to this one.
  app.get('/admin/:id', guard('GET /things/{id}'), (request) => answer(request));
  app.use(guard.unmatched);
  assertGuardedRoutes(app);
  return app;
}

export async function rigOf(
  t: TestContext,
  options: Partial<HttpGuardOptions> = {},
  peer: string | undefined = CALLER,
): Promise<Rig> {
  const records: DecisionRecord[] = [];
  const handled: string[] = [];
  const peerOf = () => (peer === undefined ? undefined : peerOfId(peer));
  const onDecision = (record: DecisionRecord) => void records.push(record);
  const app = application({ engine, self: () => SpiffeId.parse(SELF), peerOf, onDecision, ...options }, handled);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return { records, handled, send: (...wanted) => send(server, ...wanted) };
}

export async function send(server: Server, method: string, path: string, headers = {}, body?: string): Promise<Reply> {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, body: text };
}
