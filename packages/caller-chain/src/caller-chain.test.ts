import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createStaticX509Source,
  parseX509Svid,
  SpiffeId,
  type StaticX509Source,
  X509Bundle,
  X509BundleSet,
} from '@countersign/spiffe-tls';
import { createTestCa, type TestCa } from '@countersign/testkit';
import { CallerChainError, type CallerChainErrorCode, createChainSigner, createChainVerifier } from './index.ts';

const DOMAIN = 'example.org';
const [CUSTOMER, BACKEND, STORE, STRANGER] = ['customer', 'backend', 'store', 'stranger'].map((name) =>
  SpiffeId.parse(`spiffe://${DOMAIN}/${name}`),
) as [SpiffeId, SpiffeId, SpiffeId, SpiffeId];
const ACT = 'POST /orders';
const NEXT_ACT = '/example.Store/Put';

const ca = await createTestCa({ trustDomain: DOMAIN });
const sources = {
  customer: await sourceOf(ca, CUSTOMER),
  backend: await sourceOf(ca, BACKEND),
  stranger: await sourceOf(ca, STRANGER),
};

async function sourceOf(issuer: TestCa, id: SpiffeId): Promise<StaticX509Source> {
  const issued = await issuer.issue({ uris: [id.toString()] });
  const svid = parseX509Svid({ chainDer: Buffer.concat(issued.chain), keyDer: issued.keyDer });
  const bundles = X509BundleSet.of(X509Bundle.fromPem(svid.id.trustDomain, ca.pem));
  return createStaticX509Source({ svid, svids: [svid], bundles });
}

function hasCode(code: CallerChainErrorCode) {
  return (error: unknown) => error instanceof CallerChainError && error.code === code;
}

const atBackend = { peerId: CUSTOMER, ownId: BACKEND, act: ACT };
const atStore = { peerId: BACKEND, ownId: STORE, act: NEXT_ACT };

async function chainOfTwo() {
  const first = await createChainSigner({ source: sources.customer }).sign({ audience: BACKEND, act: ACT });
  const after = createChainVerifier({ source: sources.backend }).verify(first, atBackend);
  const second = await createChainSigner({ source: sources.backend }).sign({ audience: STORE, act: NEXT_ACT, after });
  return { first, after, second };
}

describe('a chain of two', () => {
  test('is accepted by whom it is for, with the origin first and one transaction', async () => {
    const { second } = await chainOfTwo();
    const chain = createChainVerifier({ source: sources.backend }).verify(second, atStore);
    assert.deepEqual(
      chain.links.map(({ iss, aud, act }) => [`${iss}`, `${aud}`, act]),
      [
        [`${CUSTOMER}`, `${BACKEND}`, ACT],
        [`${BACKEND}`, `${STORE}`, NEXT_ACT],
      ],
    );
    assert.equal(`${chain.origin}`, `${CUSTOMER}`);
    assert.deepEqual(new Set(chain.links.map(({ txn }) => txn)), new Set([chain.txn]));
  });
  test('is refused the second time', async () => {
    const { second } = await chainOfTwo();
    const verifier = createChainVerifier({ source: sources.backend });
    verifier.verify(second, atStore);
    assert.throws(() => verifier.verify(second, atStore), hasCode('CHAIN_REPLAYED'));
  });
  test('is refused when the first link alone is presented, by the origin or by anybody', async () => {
    const { first } = await chainOfTwo();
    const verifier = createChainVerifier({ source: sources.backend });
    assert.throws(() => verifier.verify(first, { ...atStore, peerId: CUSTOMER }), hasCode('CHAIN_AUDIENCE_MISMATCH'));
    assert.throws(() => verifier.verify(first, atStore), hasCode('CHAIN_PEER_MISMATCH'));
  });
});
