/**
 * Whether the system on the cluster does what it is for: an order over HTTPS and one over gRPC, read back, and each of
 * them in backend's log as a call of customer's, allowed by the policy.
 */
import type { Identities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import type { ClusterLogs, PodLine } from './cluster-logs.ts';
import { textAt } from './json.ts';
import { ask, everyVia, findOrder, placeOrder, transportOf, type Via } from './orders.ts';

/** What is asked. */
export interface SmokeParts {
  /** Address of customer's HTTP interface. */
  readonly base: string;
  readonly identities: Identities;
  /** backend's. */
  readonly logs: ClusterLogs;
  print(text: string): void;
}

/** @throws {LocalStackError} `CLUSTER_FAILED` or `PART_TIMEOUT` with the first thing that is not as it should be */
export async function smoke(parts: SmokeParts): Promise<void> {
  await checkIdentity(parts);
  for (const via of everyVia) await checkOrder(parts, via);
}

async function checkIdentity({ base, identities, print }: SmokeParts): Promise<void> {
  const expected = identities.workload('customer').spiffeId;
  const { status, document } = await ask(`${base}/api/identity`);
  const got = textAt(document, 'spiffe_id');
  if (status !== 200 || got !== expected)
    throw new LocalStackError('CLUSTER_FAILED', `customer must be ${expected}, got ${status} ${JSON.stringify(got)}`);
  print(`ok  customer is ${got}`);
}

async function checkOrder({ base, identities, logs, print }: SmokeParts, via: Via): Promise<void> {
  const caller = identities.workload('customer').spiffeId;
  let shown = '';
  const line = await logs.untilOneHas(isCreation(caller, via), async () => {
    const placed = await placeOrder(base, via);
    const order = await findOrder(base, placed);
    if (textAt(order, 'item') !== 'tea')
      throw new LocalStackError('CLUSTER_FAILED', `order ${placed.id} by ${via} can't be read back`);
    shown = [
      `ok  order ${placed.id} by ${via}, placed and read back`,
      ...placed.hops.map((hop) => `      ${hop}`),
    ].join('\n');
  });
  print(`${shown}\n      ${line.pod}: ${line.record?.['operation']} of ${caller}, allowed`);
}

function isCreation(caller: string, via: Via): (line: PodLine) => boolean {
  return ({ record }) =>
    record?.['event'] === 'request' &&
    record['peer'] === caller &&
    record['transport'] === transportOf(via) &&
    record['decision'] === 'allow' &&
    /^POST |\/CreateOrder$/.test(String(record['operation']));
}
