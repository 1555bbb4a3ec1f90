import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { createClusterLogs } from './cluster-logs.ts';
import { explainLast } from './explain.ts';
import { fakeCluster } from './fake-cluster.fixture.ts';
import { createKubectl } from './kubectl.ts';
import { committedBundle } from './policy-bundles.ts';

const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
const decisionId = '01234567-89ab-4def-8123-456789abcdef';

/** auditor, who may read orders, places one. */
const input = {
  transport: 'http',
  operation: 'POST /orders',
  http: { method: 'POST', path: ['orders'] },
  self: { spiffe_id: idOf('backend') },
  peer: { spiffe_id: idOf('auditor'), trust_domain: identities.trustDomain, path: idOf('auditor').split('/').slice(3) },
  chain: [],
  time: '2026-01-02T03:04:05.678Z',
};
const refused = {
  event: 'refused',
  code: 'PEER_NOT_AUTHORIZED',
  expected: 'a peer that a grant names',
  got: 'somebody',
  remedy: 'Grant it.',
  remote: { port: 1234 },
};
const denied = {
  event: 'request',
  operation: 'POST /orders',
  decision: 'deny',
  decision_id: decisionId,
  reason: 'operation-not-granted',
  peer: idOf('auditor'),
};
const decision = {
  event: 'decision',
  decision_id: decisionId,
  path: 'countersign/authz/decision',
  input,
  result: { allow: false, reason: 'operation-not-granted', rule: 'operation-is-granted', obligations: [] },
};

async function explain(...lines: readonly object[]) {
  const cluster = fakeCluster([]);
  for (const line of lines) cluster.log('backend-a', 'backend', line);
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const policy = { read: async () => committedBundle(), write: () => assert.fail('nothing is written') };
  const logs = createClusterLogs(createKubectl(cluster.run), identities, ['backend']);
  return { code: await explainLast({ logs, policy, print: say, printError: say }), said: said.join('\n') };
}

describe('the last refusal', () => {
  it('of a connection: what was expected, what came, what to do', async () => {
    const { code, said } = await explain(refused, {
      event: 'request',
      decision: 'allow',
      time: '2026-01-03T00:00:00Z',
    });
    assert.equal(code, 0);
    for (const part of ['backend-a refused a connection', 'PEER_NOT_AUTHORIZED', 'somebody', '1234', 'Grant it.'])
      assert.ok(said.includes(part), `${part} in ${said}`);
  });
  it('of a request: the decision is replayed', async () => {
    const { code, said } = await explain(refused, denied, decision);
    assert.match(said, /backend-a refused POST \/orders/);
    assert.match(said, /REFUSED: auditor calls POST \/orders of backend/);
    assert.equal(code, 0);
  });
  it('whose record differs from what the policy says now', async () => {
    const other = { ...decision, result: { ...decision.result, reason: 'peer-has-no-grant' } };
    assert.equal((await explain(denied, other)).code, 3);
  });
  it('is not told to be none where nothing runs', async () => assert.rejects(explain(), { code: 'CLUSTER_FAILED' }));
  it('is told to be none', async () => {
    const { code, said } = await explain({ event: 'request', decision: 'allow' });
    assert.equal(code, 1);
    assert.match(said, /nothing was refused/);
  });
});
