/**
 * A partner's trust domain, with a SPIRE server of its own: federated, its named ID is let in and no other of it; un-federated,
 * nobody of it is believed any more.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAction } from './suite/actions.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { ADDRESSES, idOf } from './suite/names.ts';
import { mintSvid, PARTNER } from './suite/partner.ts';
import { readBundle, untilEachSays, withGrants, writeBundle } from './suite/policy-bundle.ts';
import { isRefusalOf, type Probe, startProbe } from './suite/probe.ts';
import type { ProbeAnswer } from './suite/probe-protocol.ts';
import { startTwin, type Twin } from './suite/twin.ts';

const NAMED = `${PARTNER}/named`;
const OTHER = `${PARTNER}/other`;

let cluster: Cluster;
let original: Buffer;
/** Has a way to backend in the network; whose SVID it presents is told it. */
let twin: Twin;
let partner: Probe;

before(async () => {
  cluster = await openCluster();
  original = await readBundle(cluster.api);
  twin = await startTwin(cluster.api, { name: 'partner', of: 'customer', serviceAccount: 'auditor', idle: true });
  await twin.ready();
  partner = startProbe(twin.pod, twin.container);
});

after(async () => {
  await partner?.[Symbol.asyncDispose]();
  await twin?.[Symbol.asyncDispose]();
  if (original !== undefined) await writeBundle(cluster.api, original);
  await cluster?.[Symbol.asyncDispose]();
});

async function sayHelloAs(svid: { readonly certificates: string; readonly key: string }): Promise<ProbeAnswer> {
  const taken = await partner.ask({ what: 'take', ...svid });
  assert.equal(taken.status, 'OK', taken.text);
  const serverId = idOf('backend');
  return await partner.ask({
    what: 'https',
    address: ADDRESSES.https.backend,
    serverId,
    path: '/hello',
    presenting: 'kept',
  });
}

async function assertRefused(answer: ProbeAnswer, code: string, spiffeId: string): Promise<void> {
  const record = await cluster.logs.waitFor('backend', isRefusalOf(answer));
  assert.equal(record['code'], code, answer.text);
  assert.equal(record['peerId'], spiffeId);
}

test("federated, the partner's named ID is let in, and no other of it; un-federated, none", async (t) => {
  let isFederated = true;
  const unfederate = async () => {
    if (isFederated) await runAction('unfederate');
    isFederated = false;
  };
  try {
    await runAction('federate');
    const [named, other] = [await mintSvid(NAMED), await mintSvid(OTHER)];
    await t.test('who is believed is not yet who is allowed', async () => {
      await assertRefused(await sayHelloAs(named), 'PEER_NOT_AUTHORIZED', NAMED);
    });
    await t.test('with a grant it is, and is the only one', async () => {
      const revision = `partner-${Date.now()}`;
      const widened = await withGrants(original, revision, (grants) => {
        grants[idOf('backend')] = { ...grants[idOf('backend')], [NAMED]: { 'GET /hello': {} } };
      });
      await writeBundle(cluster.api, widened);
      await untilEachSays(cluster, (record) => record['revision'] === revision);
      const answer = await sayHelloAs(named);
      assert.equal(answer.status, '200', answer.text);
      assert.ok(answer.text.includes(NAMED), answer.text);
      await assertRefused(await sayHelloAs(other), 'PEER_NOT_AUTHORIZED', OTHER);
    });
    await unfederate();
    await t.test('un-federated, there is no bundle by which it could be believed', async () => {
      await assertRefused(await sayHelloAs(named), 'NO_BUNDLE', NAMED);
    });
  } finally {
    await unfederate();
  }
});
