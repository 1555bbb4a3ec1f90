/** What customer makes of backend's refusals: the same as over gRPC, and nothing of what only backend is to say. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import {
  authorizeId,
  createSpiffeHttpsAgent,
  createSpiffeHttpsServer,
  createStaticX509Source,
  SpiffeId,
} from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import { BackendError } from './backend.ts';
import { createHttpsBackend } from './backend-over-https.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const [ours, theirs] = ['/customer', '/backend'].map((path) => SpiffeId.parse(`spiffe://example.org${path}`));

/** The problem that comes of one answer of backend's. */
async function problemOf(t: TestContext, status: number, body: string) {
  assert.ok(ours && theirs);
  const sourceOf = async (id: SpiffeId) => createStaticX509Source(ca.context(await ca.issue({ path: id.path })));
  const [client, serving] = [await sourceOf(ours), await sourceOf(theirs)];
  const server = createSpiffeHttpsServer({ source: serving, authorize: authorizeId(ours) }, (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = createSpiffeHttpsAgent({ source: client, authorize: authorizeId(theirs) });
  t.after(() => {
    agent.destroy();
    server.close();
    for (const source of [client, serving]) source.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const url = new URL(`https://127.0.0.1:${address.port}`);
  const backend = createHttpsBackend({ url, agent, development: false, signHeaders: async () => ({}) });
  const error: unknown = await backend.hello(Date.now() + 3_000).catch((reason: unknown) => reason);
  assert.ok(error instanceof BackendError, String(error));
  return error.problem;
}

const failed = { status: 502, detail: 'The next service failed.' };
const refused = JSON.stringify({ detail: 'secret', code: 'CHAIN_REPLAYED', decision_id: 'd-1', rule: 'secret' });
const CASES: [name: string, status: number, body: string, problem: object][] = [
  ['a chain that was refused', 401, refused, { ...failed, reason: 'CHAIN_REPLAYED', decision_id: 'd-1' }],
  ['401 without a code', 401, '{"decision_id":"d-1"}', { ...failed, reason: 'BAD_ANSWER' }],
  ['401 without a document', 401, 'no', { ...failed, reason: 'BAD_ANSWER' }],
  ['a status that backend never gives', 418, refused, { ...failed, reason: 'BAD_ANSWER' }],
  ['a failure of backend', 500, refused, { ...failed, reason: 'BAD_ANSWER' }],
];
for (const [name, status, body, problem] of CASES)
  test(name, async (t) => assert.deepEqual(await problemOf(t, status, body), problem));
