/**
 * Somebody with a valid identity that no grant names: customer's own program in a pod of ServiceAccount `rogue`, which
 * the network lets through. It is asked for an order, and backend refuses it in the handshake.
 */
import type { Identities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import { describeRecord } from '../rogue/report.ts';
import type { ClusterLogs } from './cluster-logs.ts';
import { withEdge } from './edge.ts';
import type { Extras } from './extras.ts';
import type { Kubectl } from './kubectl.ts';
import { everyVia, problemText, transportOf, tryOrder } from './orders.ts';

/** What it needs. */
export interface RogueParts {
  readonly kubectl: Kubectl;
  readonly extras: Extras;
  readonly identities: Identities;
  /** backend's. */
  readonly logs: ClusterLogs;
  print(text: string): void;
}

const name = 'rogue';

/** @throws {LocalStackError} `CLUSTER_FAILED` when it is let in, `PART_TIMEOUT` when nobody wrote down that it was refused */
export async function addRogue(parts: RogueParts): Promise<void> {
  const { kubectl, extras, identities, logs, print } = parts;
  const { spiffeId } = identities.workload(name);
  await extras.add(name);
  await kubectl.run(['rollout', 'status', `deploy/${name}`, '-n', identities.namespace, '--timeout=110s']);
  print(`${name} runs, as ${spiffeId}, with customer's own image`);
  await withEdge(
    identities,
    async (base) => {
      for (const via of everyVia) {
        let saw = '';
        const line = await logs.untilOneHas(
          ({ record }) =>
            record?.['event'] === 'refused' &&
            record['peerId'] === spiffeId &&
            record['transport'] === transportOf(via),
          async () => {
            const answer = await tryOrder(base, via);
            saw = problemText(answer);
            if (answer.status < 400)
              throw new LocalStackError('CLUSTER_FAILED', `${name} was let in by ${via}: ${saw}`);
          },
        );
        const rows = line.record === undefined ? [] : describeRecord('backend', line.record);
        print([`refused  order by ${via}`, `    it saw    ${saw}`, ...rows].join('\n'));
      }
    },
    name,
  );
}

/** Idempotent. */
export async function removeRogue({ extras, print }: Pick<RogueParts, 'extras' | 'print'>): Promise<void> {
  await extras.remove(name);
  print(`${name} is gone`);
}
