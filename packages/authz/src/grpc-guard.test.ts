/** The gRPC guard on the wire: a real grpc-js server on loopback, calls of all four kinds, statuses as a client gets them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { CALLER, committedBundle, peerOfId, SELF, STRANGER } from '../test/bundles.ts';
import { engineAnswering, engineOver, engineThrowing, policy } from '../test/engines.ts';
import { call, handlers, KINDS, method, type Rig, rigOf, type Text, type Trace } from '../test/grpc-rig.ts';
import { currentCall, requireCall } from './call-context.ts';
import { AuthzError } from './errors.ts';
import { createGrpcGuard, type GrpcGuardOptions } from './grpc-guard.ts';
import { createPolicyEngine } from './policy-engine.ts';
import { ERROR_DOMAIN, errorInfoOf } from './to-grpc-status.ts';

async function refusalOf(answers: Promise<string[]>): Promise<ServiceError> {
  const error = await answers.then(
    (texts) => assert.fail(`must be refused, got ${texts.length} answers`),
    (reason: ServiceError) => reason,
  );
  assert.equal(typeof error.code, 'number', String(error));
  return error;
}

function assertRefused({ trace, records }: Rig, error: ServiceError, code: status, reason: string): void {
  assert.equal(status[error.code], status[code]);
  const info = errorInfoOf(error);
  assert.equal(info?.reason, reason);
  assert.equal(info?.domain, ERROR_DOMAIN);
  assert.deepEqual(Object.keys(info?.metadata ?? {}), ['decision_id']);
  assert.equal(records.length, 1);
  assert.equal(records[0]?.decision_id, info?.metadata['decision_id']);
  assert.ok(error.details.includes(info?.metadata['decision_id'] ?? 'no decision ID'));
  assert.deepEqual(trace, []);
}

const forged = new Metadata();
for (const name of ['authorization', 'x-forwarded-client-cert', 'x-spiffe-id', 'caller-chain', 'peer'])
  forged.set(name, CALLER);

for (const kind of KINDS) {
  test(`grpc guard: ${kind}: no verified peer is UNAUTHENTICATED, and no metadata stands in for one`, async (t) => {
    const rig = await rigOf(t, { peerOf: () => undefined });
    assertRefused(rig, await refusalOf(rig.call(kind, forged)), status.UNAUTHENTICATED, 'PEER_NOT_VERIFIED');
    assert.equal(rig.records[0]?.error?.code, 'PEER_NOT_VERIFIED');
  });

  test(`grpc guard: ${kind}: a peer that no grant names is PERMISSION_DENIED, and no metadata makes it another`, async (t) => {
    const rig = await rigOf(t, {}, STRANGER);
    assertRefused(rig, await refusalOf(rig.call(kind, forged)), status.PERMISSION_DENIED, 'POLICY_DENIED');
    assert.equal(rig.records[0]?.result?.reason, 'peer-has-no-grant');
    assert.equal(rig.records[0]?.input?.operation, `/test.Echo/${kind}`);
  });

  test(`grpc guard: ${kind}: without a policy it is UNAVAILABLE`, async (t) => {
    const engine = await createPolicyEngine({ bundlePath: `${committedBundle}.missing`, watchIntervalMs: 0 });
    const rig = await rigOf(t, { engine });
    assertRefused(rig, await refusalOf(rig.call(kind)), status.UNAVAILABLE, 'POLICY_UNAVAILABLE');
    assert.equal(rig.records[0]?.error?.code, 'POLICY_UNAVAILABLE');
  });

  test(`grpc guard: ${kind}: an allowed call runs in its context, in every event`, async (t) => {
    const rig = await rigOf(t);
    const answers = await rig.call(kind);
    assert.equal(answers.length, { Unary: 1, ClientStream: 1, ServerStream: 50, Bidi: 3 }[kind]);
    assert.deepEqual([...new Set(answers)], [CALLER]);
    assert.equal(rig.records.length, 1);
    assert.equal(rig.records[0]?.result?.allow, true);
  });
}

test('grpc guard: the default peerOf finds nobody without TLS', async (t) => {
  const guard = createGrpcGuard({ engine: engineOver(policy), self: () => SpiffeId.parse(SELF) });
  const server = new Server({ interceptors: [guard] });
  const trace: Trace = [];
  server.addService({ Unary: method('Unary', trace) }, { Unary: handlers(trace).Unary });
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
  assert.equal((await refusalOf(call(client, 'Unary'))).code, status.UNAUTHENTICATED);
  assert.deepEqual(trace, []);
});

test('grpc guard: a registered method without a grant, and another service as self, are PERMISSION_DENIED', async (t) => {
  const rig = await rigOf(t);
  assertRefused(rig, await refusalOf(rig.call('Ungranted')), status.PERMISSION_DENIED, 'POLICY_DENIED');
  assert.equal(rig.records[0]?.result?.reason, 'operation-not-granted');
  const other = await rigOf(t, { self: () => SpiffeId.parse(STRANGER) });
  assertRefused(other, await refusalOf(other.call('Unary')), status.PERMISSION_DENIED, 'POLICY_DENIED');
  assert.equal(other.records[0]?.result?.reason, 'service-has-no-grants');
});

const UNAVAILABLE: [name: string, options: Partial<GrpcGuardOptions>, code: string][] = [
  ['the policy traps', { engine: await engineAnswering('trap') }, 'POLICY_FAILED'],
  ['the result has the wrong shape', { engine: await engineAnswering('[{"result":{"allow":1}}]') }, 'RESULT_INVALID'],
  ['the own ID is not known', { self: () => fail(new AuthzError('INPUT_INVALID', 'no identity')) }, 'INPUT_INVALID'],
  ['the peer can not be looked up', { peerOf: () => fail(new Error('gone')) }, 'GUARD_FAILED'],
  ['the engine throws a string', { engine: engineThrowing('text') }, 'GUARD_FAILED'],
];
function fail(error: unknown): never {
  throw error;
}
for (const [name, options, code] of UNAVAILABLE) {
  test(`grpc guard: UNAVAILABLE when ${name}`, async (t) => {
    const rig = await rigOf(t, options);
    assertRefused(rig, await refusalOf(rig.call('Unary')), status.UNAVAILABLE, 'POLICY_UNAVAILABLE');
    assert.equal(rig.records[0]?.error?.code, code);
  });
}

test('grpc guard: UNAVAILABLE when the decision can not be recorded', async (t) => {
  const rig = await rigOf(t, { onDecision: () => fail(new Error('the log is full')) });
  assert.equal((await refusalOf(rig.call('Bidi'))).code, status.UNAVAILABLE);
  assert.deepEqual(rig.trace, []);
});

/** Statuses of raw HTTP/2 requests: what a client that is not grpc-js can ask for. */
async function rawStatus(t: TestContext, port: number, path: string): Promise<string | undefined> {
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end(Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]));
  const [headers] = await once(stream, 'response');
  stream.resume();
  const code = Number(headers['grpc-status']);
  return status[code];
}

for (const path of [
  '/test.Echo/Unknown',
  '/test.echo/Unary',
  '/test.Echo/unary',
  '/test.Echo/Unary/',
  '//test.Echo/Unary',
  '/test.Echo/%55nary',
  '/test.Echo/Unary?x=1',
  '/',
]) {
  test(`grpc guard: on the wire, ${path} is no method: UNIMPLEMENTED, nothing runs`, async (t) => {
    const rig = await rigOf(t);
    assert.equal(await rawStatus(t, rig.port, path), 'UNIMPLEMENTED');
    assert.deepEqual([rig.trace, rig.records], [[], []]);
  });
}

test('grpc guard: on the wire, a refusal is trailers alone', async (t) => {
  const rig = await rigOf(t, {}, STRANGER);
  assert.equal(await rawStatus(t, rig.port, '/test.Echo/Unary'), 'PERMISSION_DENIED');
  assert.deepEqual(rig.trace, []);
});

test('grpc guard: a stream that keeps sending after its refusal reaches nobody', async (t) => {
  const rig = await rigOf(t, {}, STRANGER);
  const { path, requestSerialize, responseDeserialize } = method('Bidi', []);
  const stream = rig.client.makeBidiStreamRequest<Text, Text>(path, requestSerialize, responseDeserialize);
  for (let index = 0; index < 200; index += 1) stream.write({ text: 'x'.repeat(1000) });
  const [error] = await once(stream, 'error');
  assert.equal(error.code, status.PERMISSION_DENIED);
  stream.write({ text: 'still here' });
  stream.end();
  assert.deepEqual(rig.trace, []);
});

test('grpc guard: each call of one connection is decided anew', async (t) => {
  let peer = CALLER;
  const rig = await rigOf(t, { peerOf: () => peerOfId(peer) });
  assert.deepEqual(await rig.call('Unary'), [CALLER]);
  peer = STRANGER;
  assert.equal((await refusalOf(rig.call('Unary'))).code, status.PERMISSION_DENIED);
});

test('grpc guard: calls at the same time have contexts of their own', async (t) => {
  let turn = 0;
  const engine = { decide: (input: never, id?: string) => ({ ...engineOver(policy).decide(input, id), allow: true }) };
  const rig = await rigOf(t, { engine, peerOf: () => peerOfId(turn++ % 2 === 0 ? CALLER : STRANGER) });
  const answers = await Promise.all(Array.from({ length: 20 }, () => rig.call('Unary')));
  assert.deepEqual(answers.flat().sort(), [...Array(10).fill(CALLER), ...Array(10).fill(STRANGER)]);
});

test('grpc guard: cancellation is an event of the call, too', { timeout: 10_000 }, async (t) => {
  const rig = await rigOf(t);
  const { path, requestSerialize, responseDeserialize } = method('Bidi', []);
  const stream = rig.client.makeBidiStreamRequest<Text, Text>(path, requestSerialize, responseDeserialize);
  stream.on('error', () => undefined);
  stream.write({ text: 'a' });
  await once(stream, 'data');
  const told = new Promise<void>((resolve) => {
    const push = rig.trace.push.bind(rig.trace);
    rig.trace.push = (...entries: string[]) => {
      if (entries.some((entry) => entry.startsWith('cancelled'))) resolve();
      return push(...entries);
    };
  });
  stream.cancel();
  await told;
  assert.equal(rig.trace.at(-1), `cancelled by ${CALLER}`);
});

test('grpc guard: the rule is in the details in development only', async (t) => {
  const rig = await rigOf(t, { development: true }, STRANGER);
  const info = errorInfoOf(await refusalOf(rig.call('Unary')));
  assert.equal(info?.metadata['rule'], 'peer-has-grant');
  assert.equal(info?.metadata['reason'], 'peer-has-no-grant');
});

test('grpc guard: an interceptor before it sees the refusal on its way out', async (t) => {
  const codes: (number | null | undefined)[] = [];
  const watch: ServerInterceptor = (_method, next) =>
    new ServerInterceptingCall(next, {
      sendStatus: (sent, go) => {
        codes.push(sent.code);
        go(sent);
      },
    });
  const rig = await rigOf(t, { before: [watch] }, STRANGER);
  await refusalOf(rig.call('Unary'));
  assert.deepEqual(codes, [status.PERMISSION_DENIED]);
});

test('grpc guard: outside of a call there is none', () => {
  assert.equal(currentCall(), undefined);
  assert.throws(requireCall, (error: unknown) => error instanceof AuthzError && error.code === 'NOT_IN_CALL');
});
