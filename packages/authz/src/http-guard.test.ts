/** The HTTP guard on the wire: a real Express application on loopback, raw request targets, statuses as they are sent. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import express from 'express';
import { CALLER, committedBundle, MASKED_CALLER, peerOfId, SELF, STRANGER } from '../test/bundles.ts';
import { engineAnswering, engineThrowing, policy } from '../test/engines.ts';
import { engine, type Reply, rigOf, send } from '../test/http-rig.ts';
import { callOf, currentCall } from './call-context.ts';
import type { DecisionRecord } from './decision-record.ts';
import { AuthzError } from './errors.ts';
import { assertGuardedRoutes } from './guarded-routes.ts';
import { createHttpGuard, type HttpGuardOptions } from './http-guard.ts';
import { createPolicyEngine } from './policy-engine.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function assertProblem(reply: Reply, status: number, code: string): { decision_id: string } {
  assert.equal(reply.status, status);
  assert.equal(reply.headers['content-type'], 'application/problem+json');
  assert.equal(reply.headers['cache-control'], 'no-store');
  const problem = JSON.parse(reply.body);
  assert.equal(problem.status, status);
  assert.equal(problem.code, code);
  assert.match(problem.decision_id, UUID);
  return problem;
}

const FORGED = {
  authorization: `Bearer ${CALLER}`,
  'x-forwarded-client-cert': `URI=${CALLER}`,
  'x-spiffe-id': CALLER,
  'x-forwarded-for': '127.0.0.1',
  'x-original-url': '/things/42',
  'x-http-method-override': 'GET',
  forwarded: `for=127.0.0.1;by=${CALLER}`,
  'caller-chain': CALLER,
};

test('http guard: no verified peer is 401, and no header stands in for one', async (t) => {
  const { send, handled, records } = await rigOf(t, { peerOf: () => undefined });
  for (const headers of [{}, FORGED]) {
    const reply = await send('GET', '/things/42', headers);
    const { decision_id } = assertProblem(reply, 401, 'PEER_NOT_VERIFIED');
    assert.equal(reply.headers['www-authenticate'], 'X509-SVID');
    assert.equal(records.at(-1)?.decision_id, decision_id);
    assert.equal(records.at(-1)?.error?.code, 'PEER_NOT_VERIFIED');
  }
  assert.deepEqual(handled, []);
});

test('http guard: without TLS the default peerOf finds nobody', async (t) => {
  const guarded = createHttpGuard({ engine, self: () => SpiffeId.parse(SELF) });
  const server = createServer((request, response) => guarded.unmatched(request, response, () => response.end())).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  assert.equal((await send(server, 'GET', '/things/42')).status, 401);
});

test('http guard: a peer that no grant names is 403, and no header makes it another', async (t) => {
  const { send, handled, records } = await rigOf(t, {}, STRANGER);
  for (const headers of [{}, FORGED]) {
    const problem = assertProblem(await send('GET', '/things/42', headers), 403, 'POLICY_DENIED');
    assert.deepEqual(Object.keys(problem).sort(), ['code', 'decision_id', 'detail', 'status', 'title', 'type']);
    assert.equal(records.at(-1)?.decision_id, problem.decision_id);
    assert.equal(records.at(-1)?.result?.reason, 'peer-has-no-grant');
    assert.equal(records.at(-1)?.input?.peer.spiffe_id, STRANGER);
  }
  assert.deepEqual(handled, []);
});

test('http guard: another service as self is 403', async (t) => {
  const { send, records } = await rigOf(t, { self: () => SpiffeId.parse(STRANGER) });
  assertProblem(await send('GET', '/things/42'), 403, 'POLICY_DENIED');
  assert.equal(records[0]?.result?.reason, 'service-has-no-grants');
});

const DENIED: [name: string, method: string, path: string, reason: string][] = [
  ['an operation the peer lacks', 'DELETE', '/things/42', 'operation-not-granted'],
  ['HEAD where GET is granted', 'HEAD', '/things/42', 'operation-unmatched'],
  ['OPTIONS, which Express would answer itself', 'OPTIONS', '/things/42', 'operation-unmatched'],
  ['another method', 'PUT', '/things/42', 'operation-unmatched'],
  ['TRACE', 'TRACE', '/things/42', 'operation-unmatched'],
  ['another case', 'GET', '/Things/42', 'operation-unmatched'],
  ['upper case', 'GET', '/THINGS', 'operation-unmatched'],
  ['a slash at the end', 'GET', '/things/', 'operation-unmatched'],
  ['a slash after a parameter', 'GET', '/things/42/', 'operation-unmatched'],
  ['two slashes at the start', 'GET', '//things/42', 'operation-unmatched'],
  ['two slashes between', 'GET', '/things//42', 'operation-unmatched'],
  ['a segment more', 'GET', '/things/42/parts', 'operation-unmatched'],
  ['an encoded letter of a literal', 'GET', '/%74hings/42', 'operation-unmatched'],
  ['a parameter of the path', 'GET', '/things;v=1/42', 'operation-unmatched'],
  ['the name that stands for no operation', 'GET', '/unmatched', 'operation-unmatched'],
  ['a route with the guard of another', 'GET', '/admin/42', 'operation-unmatched'],
  ['an unknown path', 'GET', '/unknown', 'operation-unmatched'],
  ['an unknown path by POST', 'POST', '/unknown', 'operation-unmatched'],
];
for (const [name, method, path, reason] of DENIED) {
  test(`http guard: 403 for ${name}: ${method} ${path}`, async (t) => {
    const { send, handled, records } = await rigOf(t);
    const reply = await send(method, path);
    assert.equal(reply.status, 403);
    assert.equal(reply.headers['content-type'], 'application/problem+json');
    assert.equal(reply.headers.allow, undefined);
    assert.equal(records.length, 1);
    assert.equal(records[0]?.result?.reason, reason);
    assert.equal(records[0]?.input?.http?.method, method);
    assert.deepEqual(handled, []);
  });
}

const MALFORMED = [
  '/things/.',
  '/things/..',
  '/things/../admin/42',
  '/things/%2e',
  '/things/%2E%2e',
  '/things/.%2e',
  '/things/a%2fb',
  '/things/a%2Fb',
  '/things/%2f',
  '/things/a%5cb',
  '/things/a\\b',
  '/things/%00',
  '/things/a%0d%0ab',
  '/things/%7f',
  '/things/%c2%85',
  '/things/%',
  '/things/%zz',
  '/things/%ff',
  '/things/%c0%ae%c0%ae',
  '/things/%ed%a0%80',
  '/things/{id}',
  '/things/42#fragment',
  '/things/42?x=1#fragment',
  'http://127.0.0.1/things/42',
  '*',
];
for (const path of MALFORMED) {
  test(`http guard: 400 for the path ${path}`, async (t) => {
    const { send, handled, records } = await rigOf(t);
    assertProblem(await send('GET', path), 400, 'PATH_MALFORMED');
    assert.equal(records.length, 1);
    assert.equal(records[0]?.error?.code, 'PATH_MALFORMED');
    assert.deepEqual(handled, []);
  });
}

const unloaded = await createPolicyEngine({ bundlePath: `${committedBundle}.missing`, watchIntervalMs: 0 });

const UNAVAILABLE: [name: string, options: Partial<HttpGuardOptions>, code: string][] = [
  ['no policy is loaded', { engine: unloaded }, 'POLICY_UNAVAILABLE'],
  ['the policy traps', { engine: await engineAnswering('trap') }, 'POLICY_FAILED'],
  ['the result has the wrong shape', { engine: await engineAnswering('[{"result":true}]') }, 'RESULT_INVALID'],
  ['the engine throws a string', { engine: engineThrowing('text') }, 'GUARD_FAILED'],
  ['the engine throws undefined', { engine: engineThrowing(undefined) }, 'GUARD_FAILED'],
  ['the engine throws an error that is not ours', { engine: engineThrowing(new RangeError('x')) }, 'GUARD_FAILED'],
  [
    'the own ID is not known',
    {
      self: () => {
        throw new AuthzError('INPUT_INVALID', 'no identity');
      },
    },
    'INPUT_INVALID',
  ],
  [
    'the peer can not be looked up',
    {
      peerOf: () => {
        throw new Error('gone');
      },
    },
    'GUARD_FAILED',
  ],
];
for (const [name, options, code] of UNAVAILABLE) {
  test(`http guard: 503 when ${name}`, async (t) => {
    const { send, handled, records } = await rigOf(t, options);
    const reply = await send('GET', '/things/42');
    const { decision_id } = assertProblem(reply, 503, 'POLICY_UNAVAILABLE');
    assert.equal(reply.headers['retry-after'], '1');
    assert.equal(records[0]?.error?.code, code);
    assert.equal(records[0]?.decision_id, decision_id);
    assert.deepEqual(handled, []);
  });
}

test('http guard: 503 when the decision can not be recorded, allowed or not', async (t) => {
  const onDecision = () => {
    throw new Error('the log is full');
  };
  const { send, handled } = await rigOf(t, { onDecision });
  assertProblem(await send('GET', '/things/42'), 503, 'POLICY_UNAVAILABLE');
  assert.deepEqual(handled, []);
});

test('http guard: the rule is in the answer in development only', async (t) => {
  const { send } = await rigOf(t, { development: true }, STRANGER);
  const problem = JSON.parse((await send('GET', '/things/42')).body);
  assert.equal(problem.rule, 'peer-has-grant');
  assert.equal(problem.reason, 'peer-has-no-grant');
});

test('http guard: each request of one connection is decided anew', async (t) => {
  let allowed = true;
  const { send } = await rigOf(t, { peerOf: () => peerOfId(allowed ? CALLER : STRANGER) });
  assert.equal((await send('GET', '/things')).status, 200);
  allowed = false;
  assert.equal((await send('GET', '/things')).status, 403);
});

test('http guard: allowed calls reach their handlers, in the context of the call', async (t) => {
  const { send, records } = await rigOf(t);
  for (const [method, path, status] of [
    ['GET', '/', 200],
    ['GET', '/things', 200],
    ['GET', '/things?next=/../x%2f', 200],
    ['POST', '/things', 201],
  ] as const) {
    const body = method === 'POST' ? JSON.stringify({ item: 'x'.repeat(90_000) }) : undefined;
    const reply = await send(method, path, body === undefined ? {} : { 'content-type': 'application/json' }, body);
    assert.equal(reply.status, status, path);
    assert.deepEqual(JSON.parse(reply.body), { peer: CALLER, decision: records.at(-1)?.decision_id });
  }
});

test('http guard: the policy gets the real segments, decoded once, and the record says which policy decided', async (t) => {
  const { send, records } = await rigOf(t, { now: () => 1_767_323_045_678 });
  assert.equal((await send('GET', '/things/a%20b%2541')).status, 200);
  const [record] = records;
  assert.deepEqual(record?.input, {
    transport: 'http',
    operation: 'GET /things/{id}',
    http: { method: 'GET', path: ['things', 'a b%41'] },
    self: { spiffe_id: SELF },
    peer: { spiffe_id: CALLER, trust_domain: 'example.org', path: ['ns', 'test', 'sa', 'caller'] },
    chain: [],
    time: '2026-01-02T03:04:05.678Z',
  });
  assert.equal(record?.path, 'countersign/authz/decision');
  assert.deepEqual(record?.result, { allow: true, reason: 'granted', rule: 'grant', obligations: [] });
  assert.deepEqual(record?.bundles, { countersign: { revision: policy.revision } });
  assert.equal(record?.timestamp, '2026-01-02T03:04:05.678Z');
  assert.ok((record?.metrics.timer_rego_query_eval_ns ?? 0) > 0);
});

test('http guard: obligations reach the handler', async (t) => {
  const { send } = await rigOf(t, {}, MASKED_CALLER);
  assert.deepEqual(JSON.parse((await send('GET', '/things/42')).body), { id: '42', owner: '[masked]' });
  assertProblem(await send('GET', '/things'), 403, 'POLICY_DENIED');
});

test('http guard: a resource is named from the route, and a mistake in naming it is 503', async (t) => {
  const records: DecisionRecord[] = [];
  const guard = createHttpGuard({
    engine,
    self: () => SpiffeId.parse(SELF),
    peerOf: () => peerOfId(CALLER),
    onDecision: (record) => records.push(record),
  });
  const app = express();
  app.get(
    '/things/:id',
    guard('GET /things/{id}', ({ id = '' }) => {
      if (id === 'bad') throw new Error('no such thing');
      return { kind: 'thing', id, attributes: {} };
    }),
    (_request, response) => void response.end(),
  );
  app.use(guard.unmatched);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  assert.equal((await send(server, 'GET', '/things/a%2Bb')).status, 200);
  assert.deepEqual(records[0]?.input?.resource, { kind: 'thing', id: 'a+b', attributes: {} });
  assertProblem(await send(server, 'GET', '/things/bad'), 503, 'POLICY_UNAVAILABLE');
});

test('http guard: behind a mounted router the whole path counts', async (t) => {
  const guard = createHttpGuard({ engine, self: () => SpiffeId.parse(SELF), peerOf: () => peerOfId(CALLER) });
  const router = express.Router();
  router.get(
    '/:id',
    guard('GET /things/{id}'),
    (request, response) => void response.json({ same: callOf(request) === currentCall() }),
  );
  const app = express();
  app.use(guard.wellFormed);
  app.use('/things', router);
  app.use('/other', router);
  app.use(guard.unmatched);
  assertGuardedRoutes(app);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const reply = await send(server, 'GET', '/things/42');
  assert.equal(reply.status, 200);
  assert.deepEqual(JSON.parse(reply.body), { same: true });
  assert.equal((await send(server, 'GET', '/other/42')).status, 403);
});
