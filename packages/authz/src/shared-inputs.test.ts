/**
 * What `opa test` proves of the rules holds for what services run: the same inputs, asked of the committed WASM, and sent
 * as real calls through both guards.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { describe, type TestContext, test } from 'node:test';
import { CHAIN_CERTS_HEADER, CHAIN_HEADER, type VerifiedChain } from '@countersign/caller-chain';
import { SpiffeId } from '@countersign/spiffe-tls';
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import express from 'express';
import { peerOfId } from '../test/bundles.ts';
import { engineOver } from '../test/engines.ts';
import { send } from '../test/http-rig.ts';
import { committedWasm, type SharedCase, sharedCases } from '../test/shared-inputs.ts';
import { currentCall } from './call-context.ts';
import type { DecisionRecord } from './decision-record.ts';
import { createGrpcGuard } from './grpc-guard.ts';
import { createHttpGuard } from './http-guard.ts';
import { createPolicyModule } from './policy-module.ts';

const { loadPolicySync }: typeof import('@open-policy-agent/opa-wasm') = createRequire(import.meta.url)(
  '@open-policy-agent/opa-wasm',
);

const policy = loadPolicySync(await committedWasm());

for (const { name, input, expected, bundle } of sharedCases) {
  test(`the committed WASM: ${name}`, () => {
    policy.setData(bundle.data);
    // As bytes: null and false are inputs too, and would be taken for none.
    const bytes = new TextEncoder().encode(JSON.stringify(input));
    assert.deepEqual(policy.evaluate(bytes.buffer.slice(0, bytes.byteLength)), [{ result: expected }]);
  });
}

test('the shared inputs are there', () => {
  const fitting = sharedCases.filter(({ fits }) => fits);
  assert.ok(sharedCases.length >= 90 && fitting.length >= 40, `${sharedCases.length}, ${fitting.length} fit`);
});

/** A chain as a verifier gives it: how links are signed and verified is another package's. */
function verifiedChain({ chain, self }: SharedCase['input']): VerifiedChain {
  const links = chain.map(({ spiffe_id, act, issued_at }) => {
    const times = { issuedAt: new Date(issued_at), expiresAt: new Date(issued_at) };
    return { iss: SpiffeId.parse(spiffe_id), aud: SpiffeId.parse(self.spiffe_id), act, txn: 't', jti: 'j', ...times };
  });
  const [first] = links;
  assert.ok(first !== undefined);
  return { links, txn: 't', origin: first.iss, encoded: { chain: 'x', certs: 'x' } };
}

/** What makes a guard look for a chain. */
function chainHeaders({ chain }: SharedCase['input']): Record<string, string> {
  return chain.length === 0 ? {} : { [CHAIN_HEADER]: 'x', [CHAIN_CERTS_HEADER]: 'x' };
}

function guardOptions(one: SharedCase, records: DecisionRecord[]) {
  const { self, peer, time } = one.input;
  return {
    engine: engineOver(createPolicyModule(one.bundle)),
    self: () => SpiffeId.parse(self.spiffe_id),
    chain: { verify: () => verifiedChain(one.input) },
    peerOf: () => peerOfId(peer.spiffe_id),
    onDecision: (record: DecisionRecord) => void records.push(record),
    now: () => Date.parse(time),
  };
}

/** What can't come as a call: a guard never contradicts itself. */
const asCalls = sharedCases.filter(({ fits, expected }) => fits && expected.reason !== 'input-inconsistent');
const overHttp = asCalls.filter(({ input }) => input.transport === 'http' && isRouteOfPath(input));
const overGrpc = asCalls.filter(({ input }) => input.transport === 'grpc');

/** A guard asks about a route whose fixed segments are not the path's as `unmatched`. */
function isRouteOfPath({ operation, http }: SharedCase['input']): boolean {
  const segments = operation.split('/').slice(1);
  return (
    operation === 'unmatched' ||
    (http?.path ?? []).every((value, index) => [value, '{id}'].includes(segments[index] ?? ''))
  );
}

function assertDecided(one: SharedCase, records: readonly DecisionRecord[]): void {
  const { input, expected } = one;
  assert.equal(records.length, 1);
  assert.deepEqual(records[0]?.result, expected);
  assert.deepEqual(records[0]?.input, input);
}

describe('as HTTP requests', () => {
  test('most cases can be sent', () => assert.ok(overHttp.length >= 15, `${overHttp.length}`));

  for (const one of overHttp) {
    test(one.name, async (t) => {
      const records: DecisionRecord[] = [];
      const { status: got, body } = await sendCase(t, one, records);
      const allowed = { status: 200, obligations: one.expected.obligations };
      assert.deepEqual(got === 200 ? { status: got, obligations: JSON.parse(body) } : { status: got }, {
        ...(one.expected.allow ? allowed : { status: 403 }),
      });
      assertDecided(one, records);
    });
  }
});

async function sendCase(t: TestContext, one: SharedCase, records: DecisionRecord[]) {
  const { operation, http = { method: 'GET', path: [] } } = one.input;
  const guard = createHttpGuard(guardOptions(one, records));
  const app = express();
  app.use(guard.wellFormed);
  if (operation !== 'unmatched') {
    const [, route = '/'] = operation.split(' ');
    app.all(route.replaceAll(/\{(\w+)\}/g, ':$1'), guard(operation), (_request, response) => {
      response.json(currentCall()?.decision.obligations);
    });
  }
  app.use(guard.unmatched);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return send(server, http.method, `/${http.path.map(encodeURIComponent).join('/')}`, chainHeaders(one.input));
}

describe('as gRPC calls', () => {
  test('some cases can be sent', () => assert.ok(overGrpc.length >= 5, `${overGrpc.length}`));

  for (const one of overGrpc) {
    test(one.name, async (t) => {
      const records: DecisionRecord[] = [];
      const answer = await callCase(t, one, records);
      const { allow, obligations } = one.expected;
      assert.deepEqual(answer, allow ? { code: status.OK, obligations } : { code: status.PERMISSION_DENIED });
      assertDecided(one, records);
    });
  }
});

const plain: Pick<MethodDefinition<unknown, unknown>, 'requestSerialize' | 'requestDeserialize'> = {
  requestSerialize: (value) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes) => JSON.parse(bytes.toString()),
};

async function callCase(t: TestContext, one: SharedCase, records: DecisionRecord[]) {
  const { requestSerialize: write, requestDeserialize: read } = plain;
  const path = one.input.operation;
  const unary = {
    path,
    requestStream: false,
    responseStream: false,
    responseSerialize: write,
    responseDeserialize: read,
  };
  const server = new Server({ interceptors: [createGrpcGuard(guardOptions(one, records))] });
  server.addService(
    { Method: { ...unary, ...plain } },
    {
      Method: (_call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) =>
        done(null, currentCall()?.decision.obligations),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => {
    client.close();
    server.forceShutdown();
  });
  const metadata = Metadata.fromHttp2Headers(chainHeaders(one.input));
  return await new Promise((resolve) =>
    client.makeUnaryRequest(path, write, read, {}, metadata, (error: ServiceError | null, obligations?: unknown) =>
      resolve(error === null ? { code: status.OK, obligations } : { code: error.code }),
    ),
  );
}
