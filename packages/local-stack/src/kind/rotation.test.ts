import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { createClusterLogs } from './cluster-logs.ts';
import { type Answers, fakeCluster, impatient, podsDocument } from './fake-cluster.fixture.ts';
import { createKubectl } from './kubectl.ts';
import { rollCa } from './roll-ca.ts';
import { rotate } from './rotate.ts';
import { createClusterSpire } from './spire-server.ts';

const identities = loadIdentities();
const pods = podsDocument('backend-a');
const id = (path: string, trust_domain = identities.trustDomain) => ({ trust_domain, path });
const pathOf = (name: string) => new URL(identities.workload(name).spiffeId).pathname;

const shown = {
  entries: [
    {
      id: 'countersign.1',
      spiffe_id: id(pathOf('backend')),
      parent_id: id('/spire/agent/k8s_psat/countersign/uid'),
      selectors: [{ type: 'k8s', value: 'pod-uid:1' }],
      x509_svid_ttl: 3600,
      jwt_svid_ttl: 0,
      federates_with: ['partner.example'],
      dns_names: [identities.workload('backend').dnsName],
      revision_number: '3',
      hint: '',
    },
    { id: 'other', spiffe_id: id('/somebody/else'), parent_id: id('/spire/agent'), selectors: [] },
  ],
};

function parts(answers: Answers) {
  const cluster = fakeCluster([[/get pods/, pods], ...answers]);
  const kubectl = createKubectl(cluster.run);
  const printed: string[] = [];
  return {
    cluster,
    printed,
    spire: createClusterSpire(kubectl),
    logs: createClusterLogs(kubectl, identities, ['backend'], impatient),
    identities,
    print: (text: string) => void printed.push(text),
  };
}

describe('rotate', () => {
  it('updates our own entries with what they have, and waits for the new SVID', async () => {
    const it = parts([
      [/entry show/, JSON.stringify(shown)],
      [
        /entry update -data -/,
        () => {
          it.cluster.log('backend-a', 'backend', { event: 'identity', serialNumber: 'AB', changed: { svid: true } });
          return '';
        },
      ],
    ]);
    await rotate(it);
    const sent = it.cluster.ran.find(({ words }) => words.includes('entry update'));
    assert.deepEqual(JSON.parse(sent?.input ?? ''), {
      entries: [
        {
          entry_id: 'countersign.1',
          spiffe_id: identities.workload('backend').spiffeId,
          parent_id: `spiffe://${identities.trustDomain}/spire/agent/k8s_psat/countersign/uid`,
          selectors: [{ type: 'k8s', value: 'pod-uid:1' }],
          x509_svid_ttl: 3600,
          jwt_svid_ttl: 0,
          dns_names: [identities.workload('backend').dnsName],
          federates_with: ['spiffe://partner.example'],
        },
      ],
    });
    assert.match(it.printed.join('\n'), /backend-a: serial AB\n1 entries, 1 pods/);
  });

  it('is refused where SPIRE has no entry of ours', async () => {
    await assert.rejects(rotate(parts([[/entry show/, '{"entries":[]}']])), { code: 'CLUSTER_FAILED' });
  });

  it('fails when nobody gets a new SVID', async () => {
    const it = parts([
      [/entry show/, JSON.stringify(shown)],
      [/entry update/, ''],
    ]);
    await assert.rejects(rotate(it), { code: 'PART_TIMEOUT' });
  });
});

describe('roll-ca', () => {
  /** A server with its authorities; `stuck` names the step that no pod hears of. */
  function server(stuck = '') {
    const authorities: Record<string, { authority_id: string }> = { active: { authority_id: 'A' } };
    const steps: string[] = [];
    const it = parts([
      [/x509 show/, () => JSON.stringify(authorities)],
      [
        /x509 (prepare|activate|taint|revoke)/,
        ({ words }) => {
          const [, step = '', , authority = ''] = /x509 (\w+)( -authorityID (\w+))?/.exec(words) ?? [];
          steps.push(`${step} ${authority}`.trim());
          if (step === 'prepare') authorities['prepared'] = { authority_id: 'B' };
          if (step !== stuck && step !== 'activate')
            it.cluster.log('backend-a', 'backend', {
              event: 'identity',
              changed: step === 'taint' ? { svid: true } : { bundles: true },
            });
          return '';
        },
      ],
    ]);
    const roll = () =>
      rollCa({
        ...it,
        restartServer: async () => void steps.push('restart'),
        wait: async (ms) => void steps.push(`wait ${ms / 1000} s`),
      });
    return { roll, steps };
  }

  it('takes each step when everybody is ready for it', async () => {
    const { roll, steps } = server();
    await roll();
    assert.deepEqual(steps, ['prepare', 'activate B', 'restart', 'taint A', 'wait 10 s', 'revoke A']);
  });

  for (const [stuck, last] of [
    ['prepare', 'prepare'],
    ['taint', 'taint A'],
  ] as const)
    it(`goes no further when no pod hears of ${stuck}`, async () => {
      const { roll, steps } = server(stuck);
      await assert.rejects(roll(), { code: 'PART_TIMEOUT' });
      assert.equal(steps.at(-1), last);
    });
});
