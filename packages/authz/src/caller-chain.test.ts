/** The caller chain in front of the policy: over HTTP and gRPC, accepted, refused with its own code, and never skipped. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CallerChainError,
  CHAIN_CERTS_HEADER,
  CHAIN_HEADER,
  type ChainExpectation,
  createChainSigner,
  createChainVerifier,
  type EncodedChain,
} from '@countersign/caller-chain';
import { createStaticX509Source, SpiffeId, X509Bundle, X509BundleSet } from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { CALLER, SELF, STRANGER } from '../test/bundles.ts';
import { rigOf as grpcRigOf } from '../test/grpc-rig.ts';
import { rigOf as httpRigOf } from '../test/http-rig.ts';
import { errorInfoOf } from './to-grpc-status.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const [caller, self, stranger] = [CALLER, SELF, STRANGER].map((id) => SpiffeId.parse(id)) as [
  SpiffeId,
  SpiffeId,
  SpiffeId,
];
const source = await sourceOf(CALLER);
const signer = createChainSigner({ source });

async function sourceOf(id: string) {
  const svid = (await ca.issue({ uris: [id] })).svid();
  const bundles = X509BundleSet.of(X509Bundle.fromPem(svid.id.trustDomain, ca.pem));
  return createStaticX509Source({ svid, svids: [svid], bundles });
}

function headersOf({ chain, certs }: EncodedChain): Record<string, string> {
  return { [CHAIN_HEADER]: chain, [CHAIN_CERTS_HEADER]: certs };
}

function metadataOf(encoded: EncodedChain): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headersOf(encoded))) metadata.set(name, value);
  return metadata;
}

const signed = (act = 'GET /things/7') => signer.sign({ audience: self, act });
const other = createChainSigner({ source: await sourceOf(STRANGER) });
const good = await signed();
const refusedOverHttp: Array<[string, Record<string, string | string[]>, string]> = [
  ['for another path', headersOf(await signed('GET /things/8')), 'CHAIN_ACT_MISMATCH'],
  ['for another method', headersOf(await signed('POST /things/7')), 'CHAIN_ACT_MISMATCH'],
  ['with the query in its act', headersOf(await signed('GET /things/7?page=2')), 'CHAIN_ACT_MISMATCH'],
  [
    'for another service',
    headersOf(await signer.sign({ audience: stranger, act: 'GET /things/7' })),
    'CHAIN_AUDIENCE_MISMATCH',
  ],
  ["of another's", headersOf(await other.sign({ audience: self, act: 'GET /things/7' })), 'CHAIN_PEER_MISMATCH'],
  ['without certificates', { [CHAIN_HEADER]: good.chain }, 'CHAIN_MALFORMED'],
  ['certificates alone', { [CHAIN_CERTS_HEADER]: good.certs }, 'CHAIN_MALFORMED'],
  ['sent twice', { ...headersOf(good), [CHAIN_HEADER]: [good.chain, good.chain] }, 'CHAIN_MALFORMED'],
  ['of nothing', { [CHAIN_HEADER]: '', [CHAIN_CERTS_HEADER]: '' }, 'CHAIN_MALFORMED'],
];

describe('over HTTP', () => {
  const rig = (t: Parameters<typeof httpRigOf>[0]) => httpRigOf(t, { chain: createChainVerifier({ source }) });

  test('the policy sees the verified links of a chain', async (t) => {
    const { send, records } = await rig(t);
    assert.equal((await send('GET', '/things/7?page=2', headersOf(await signed()))).status, 200);
    assert.deepEqual(
      records[0]?.input?.chain.map(({ spiffe_id, act }) => [spiffe_id, act]),
      [[CALLER, 'GET /things/7']],
    );
  });
  test('a call without a chain is asked about without one', async (t) => {
    const { send, records } = await rig(t);
    assert.equal((await send('GET', '/things/7')).status, 200);
    assert.deepEqual(records[0]?.input?.chain, []);
  });
  test('without a verifier a chain is not read, and the policy sees none', async (t) => {
    const { send, records } = await httpRigOf(t);
    await send('GET', '/things/7', headersOf(await signed()));
    assert.deepEqual(records[0]?.input?.chain, []);
  });

  for (const [name, headers, code] of refusedOverHttp) {
    test(`a chain ${name} is refused with ${code}, and no handler runs`, async (t) => {
      const { send, records, handled } = await rig(t);
      const { status: answered, body, headers: answer } = await send('GET', '/things/7', headers);
      assert.deepEqual([answered, JSON.parse(body).code, answer['www-authenticate']], [401, code, 'Caller-Chain']);
      assert.deepEqual([handled, records[0]?.error?.code, records.length], [[], code, 1]);
      assert.equal(JSON.parse(body).decision_id, records[0]?.decision_id);
    });
  }
  test('a chain that was seen is refused', async (t) => {
    const { send } = await rig(t);
    const headers = headersOf(await signed());
    const statuses = [];
    for (const _ of [1, 2]) statuses.push((await send('GET', '/things/7', headers)).status);
    assert.deepEqual(statuses, [200, 401]);
  });
  test('a store that is full is answered 503, not 401: the chain may be good', async (t) => {
    const { send } = await httpRigOf(t, { chain: createChainVerifier({ source, maxReplayEntries: 1 }) });
    await send('GET', '/things/7', headersOf(await signed()));
    const { status: answered, body } = await send('GET', '/things/7', headersOf(await signed()));
    assert.deepEqual([answered, JSON.parse(body).code], [503, 'CHAIN_STORE_FULL']);
  });
  test('a verifier that fails in any other way is answered 503', async (t) => {
    const chain = { verify: () => assert.fail('broken') };
    const { send, handled } = await httpRigOf(t, { chain });
    const { status: answered } = await send('GET', '/things/7', headersOf(await signed()));
    assert.deepEqual([answered, handled], [503, []]);
  });
  test('a good chain does not make up for a missing grant', async (t) => {
    const { send } = await rig(t);
    const { status: answered } = await send('DELETE', '/things/7', headersOf(await signed('DELETE /things/7')));
    assert.equal(answered, 403);
  });
  test('the verifier is told the peer of the connection, the own ID and the bytes of the path', async (t) => {
    const told: ChainExpectation[] = [];
    const chain = {
      verify: (_encoded: EncodedChain, call: ChainExpectation) => {
        told.push(call);
        throw new CallerChainError('CHAIN_BROKEN', 'as told');
      },
    };
    const { send } = await httpRigOf(t, { chain });
    await send('GET', '/things/%37', headersOf(await signed()));
    assert.deepEqual(told, [{ peerId: caller, ownId: self, act: 'GET /things/%37' }]);
  });
});

describe('over gRPC', () => {
  for (const kind of ['Unary', 'ServerStream', 'ClientStream', 'Bidi'] as const) {
    const act = `/test.v1.Things/${kind}`;
    test(`${kind}: the policy sees the verified links, and the same chain again is refused`, async (t) => {
      const rig = await grpcRigOf(t, { chain: createChainVerifier({ source }) });
      const path = await pathOf(rig, kind);
      const metadata = metadataOf(await signer.sign({ audience: self, act: path }));
      await rig.call(kind, metadata);
      assert.deepEqual(
        rig.records.at(-1)?.input?.chain.map(({ spiffe_id, act: called }) => [spiffe_id, called]),
        [[CALLER, path]],
      );
      await assert.rejects(rig.call(kind, metadata), refusedWith('CHAIN_REPLAYED'));
      assert.equal(rig.records.at(-1)?.error?.code, 'CHAIN_REPLAYED');
    });
    test(`${kind}: a chain for another method is refused before a message is read`, async (t) => {
      const rig = await grpcRigOf(t, { chain: createChainVerifier({ source }) });
      const metadata = metadataOf(await signer.sign({ audience: self, act: `${act}x` }));
      await assert.rejects(rig.call(kind, metadata), refusedWith('CHAIN_ACT_MISMATCH'));
      assert.deepEqual(rig.trace, []);
    });
  }
  test('a header that was sent twice is refused', async (t) => {
    const rig = await grpcRigOf(t, { chain: createChainVerifier({ source }) });
    const metadata = metadataOf(await signer.sign({ audience: self, act: '/x.Y/Z' }));
    metadata.add(CHAIN_HEADER, 'another');
    await assert.rejects(rig.call('Unary', metadata), refusedWith('CHAIN_MALFORMED'));
  });
  test('a store that is full is UNAVAILABLE', async (t) => {
    const rig = await grpcRigOf(t, { chain: createChainVerifier({ source, maxReplayEntries: 1 }) });
    const path = await pathOf(rig, 'Unary');
    const call = async () => rig.call('Unary', metadataOf(await signer.sign({ audience: self, act: path })));
    await call();
    await assert.rejects(call(), refusedWith('CHAIN_STORE_FULL', status.UNAVAILABLE));
  });
});

/** The full method, as the server was called. */
async function pathOf(
  rig: Awaited<ReturnType<typeof grpcRigOf>>,
  kind: 'Unary' | 'ServerStream' | 'ClientStream' | 'Bidi',
) {
  await rig.call(kind);
  const operation = rig.records.at(-1)?.input?.operation;
  assert.ok(operation !== undefined);
  return operation;
}

function refusedWith(code: string, expected = status.UNAUTHENTICATED) {
  return (error: ServiceError): boolean => {
    assert.deepEqual([error.code, errorInfoOf(error)?.reason], [expected, code]);
    return true;
  };
}
