import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOKEN_HEADER } from '../../../src/wire/actions.ts';
import { number, object } from './decode.ts';
import { ApiProblem, toProblem } from './problem.ts';
import { createTransport } from './transport.ts';

const answer = object<{ readonly n: number }>({ n: number });
const json = (status: number, body: object) => Response.json(body, { status });

interface Seen {
  readonly path: string;
  readonly init: RequestInit;
}

/** A console that gives the answers in turn, and a page that holds a token of it. */
function setUp(...answers: readonly Response[]) {
  const left = [...answers];
  const seen: Seen[] = [];
  const asked: boolean[] = [];
  const transport = createTransport({
    async fetch(path, init) {
      seen.push({ path, init });
      const next = left.shift();
      if (next === undefined) throw new TypeError('fetch failed');
      return next;
    },
    async token(fresh) {
      asked.push(fresh);
      return fresh ? 'new' : 'old';
    },
  });
  return { transport, seen, asked };
}

const tokenOf = ({ init }: Seen) => new Headers(init.headers).get(TOKEN_HEADER);

test('a question carries no token', async () => {
  const { transport, seen, asked } = setUp(json(200, { n: 1 }));
  assert.deepEqual(await transport.get('/api/x', answer), { n: 1 });
  assert.deepEqual(asked, []);
  assert.deepEqual(seen.map(tokenOf), [null]);
});

test('what changes state carries the token and JSON', async () => {
  const { transport, seen } = setUp(json(200, { n: 2 }));
  assert.deepEqual(await transport.post('/api/x', { a: 1 }, answer), { n: 2 });
  assert.deepEqual(seen.map(tokenOf), ['old']);
  assert.equal(seen[0]?.init.body, '{"a":1}');
});

test('a token of an earlier run is replaced once', async () => {
  const stale = () => json(403, { status: 403, reason: 'TOKEN_WRONG', detail: 'no' });
  const { transport, seen } = setUp(stale(), json(200, { n: 3 }));
  assert.deepEqual(await transport.post('/api/x', {}, answer), { n: 3 });
  assert.deepEqual(seen.map(tokenOf), ['old', 'new']);

  const twice = setUp(stale(), stale(), json(200, { n: 4 }));
  await assert.rejects(twice.transport.post('/api/x', {}, answer), { reason: 'TOKEN_WRONG' });
  assert.deepEqual(twice.seen.map(tokenOf), ['old', 'new']);
});

test('another 403 is not asked again', async () => {
  const { transport, seen } = setUp(json(403, { status: 403, reason: 'POLICY_DENIED', detail: 'denied' }));
  await assert.rejects(transport.post('/api/x', {}, answer), {
    status: 403,
    reason: 'POLICY_DENIED',
    detail: 'denied',
  });
  assert.equal(seen.length, 1);
});

test('a problem keeps what was expected and got', async () => {
  const problem = { status: 422, detail: 'no such', reason: 'R', expected: 'X', got: '"Y"' };
  const { transport } = setUp(json(422, problem));
  await assert.rejects(transport.get('/api/x', answer), { ...problem, name: 'ApiProblem' });
});

test('an error without a problem document has its status', async () => {
  const { transport } = setUp(new Response('<html>', { status: 502 }));
  await assert.rejects(transport.get('/api/x', answer), { status: 502, detail: 'The console answered HTTP 502.' });
});

test('an answer of another shape is a problem, not a value', async () => {
  const { transport } = setUp(json(200, { n: 'one' }));
  await assert.rejects(transport.get('/api/x', answer), { reason: 'MALFORMED_ANSWER' });
  const empty = setUp(new Response('', { status: 200 }));
  await assert.rejects(empty.transport.get('/api/x', answer), { reason: 'MALFORMED_ANSWER' });
});

test('no console is a problem that says so', async () => {
  const { transport } = setUp();
  const error: unknown = await transport.get('/api/x', answer).catch((reason: unknown) => reason);
  const problem = toProblem(error);
  assert.ok(problem instanceof ApiProblem);
  assert.equal(problem.reason, 'UNREACHABLE');
  assert.equal(problem.status, 0);
});

test('a request ends with its signal', async () => {
  const { transport, seen } = setUp(json(200, { n: 1 }));
  const controller = new AbortController();
  await transport.get('/api/x', answer, { signal: controller.signal });
  assert.equal(seen[0]?.init.signal?.aborted, false);
  controller.abort();
  assert.equal(seen[0]?.init.signal?.aborted, true);
});
