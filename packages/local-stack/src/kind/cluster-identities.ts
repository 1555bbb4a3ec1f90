/** The ClusterSPIFFEIDs of the workloads: what SPIRE's controller manager makes entries from. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Identities } from '@countersign/identities';
import { LocalStackError, messageOf } from '../errors.ts';
import type { Patience } from './cluster-logs.ts';
import { at, type JsonObject, objectsAt, textAt } from './json.ts';
import type { Kubectl } from './kubectl.ts';

/** Resources of another class are another controller manager's. */
export const className = 'countersign';

const patience: Patience = { timeoutMs: 120_000, intervalMs: 2_000 };

/**
 * The resource that gives a workload its identity, found by what it selects: Helm may have put a prefix to its name.
 * @throws {LocalStackError} `CLUSTER_FAILED` unless there is exactly one
 */
export async function findClusterSpiffeId(kubectl: Kubectl, workload: string): Promise<JsonObject> {
  const found = (await listAll(kubectl)).filter((item) => selects(item, workload));
  const [resource] = found;
  if (resource === undefined || found.length > 1)
    throw new LocalStackError(
      'CLUSTER_FAILED',
      `exactly one ClusterSPIFFEID of class ${className} must select ${workload}, got ${found.length}`,
    );
  return resource;
}

/** Resolves when every workload of `identities.json` has one, and no entry of theirs failed. */
export async function untilIdentities(
  kubectl: Kubectl,
  identities: Identities,
  { timeoutMs, intervalMs }: Patience = patience,
): Promise<number> {
  const names = identities.names();
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const problems = await listAll(kubectl).then(
      (items) => names.flatMap((name) => problemOf(items, name)),
      (error: unknown) => [messageOf(error)],
    );
    if (problems.length === 0) return names.length;
    if (performance.now() > deadline)
      throw new LocalStackError(
        'CLUSTER_FAILED',
        `identities are not there within ${timeoutMs / 1000} s: ${problems.join('; ')}`,
      );
    await delay(intervalMs);
  }
}

async function listAll(kubectl: Kubectl): Promise<JsonObject[]> {
  return objectsAt(await kubectl.get(['clusterspiffeids.spire.spiffe.io']), 'items');
}

function problemOf(items: readonly JsonObject[], workload: string): string[] {
  const found = items.filter((item) => selects(item, workload));
  if (found.length !== 1) return [`${workload}: ${found.length} ClusterSPIFFEIDs`];
  // Absent while no pod is selected: the controller manager writes no status that says nothing.
  const stats = at(found[0], 'status', 'stats');
  const failures = Number(at(stats, 'podEntryRenderFailures') ?? 0) + Number(at(stats, 'entryFailures') ?? 0);
  return failures === 0 ? [] : [`${workload}: ${failures} entries failed`];
}

function selects(item: JsonObject, workload: string): boolean {
  return (
    textAt(item, 'spec', 'className') === className &&
    textAt(item, 'spec', 'podSelector', 'matchLabels', 'app.kubernetes.io/name') === workload
  );
}
