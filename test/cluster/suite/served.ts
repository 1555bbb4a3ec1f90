/** Whether pods get calls, as their own logs say. */
import type { PodLogs } from './logs.ts';
import type { Pod } from './objects.ts';

/** Resolves when each of these pods has got calls by gRPC since the logs were opened. */
export async function untilServed(
  logs: PodLogs,
  workload: string,
  pods: readonly Pod[],
  withinMs = 60_000,
): Promise<void> {
  for (const { metadata } of pods)
    await logs.waitFor(
      workload,
      ({ pod, event, transport }) => pod === metadata.name && event === 'request' && transport === 'grpc',
      withinMs,
    );
}
