/** Serial numbers of both ends of each edge between services, as the service that was called last logged them. */
import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';
import type { PodLogs } from './logs.ts';
import { idOf } from './names.ts';

/** Latest serials by edge: of the client, and of the server. */
export type EdgeSerials = ReadonlyMap<string, readonly [client: string, server: string]>;

const EDGES = [
  { service: 'backend', peer: 'customer', transport: 'https' },
  { service: 'backend', peer: 'customer', transport: 'grpc' },
  { service: 'db-client', peer: 'backend', transport: 'grpc' },
] as const;

/** The latest of every edge, each of which was used since the logs were opened. */
export function serialsOf(logs: PodLogs): EdgeSerials {
  return new Map(
    EDGES.map(({ service, peer, transport }) => {
      const edge = `${peer} -> ${service} by ${transport}`;
      const record = logs
        .find(service, (it) => it['event'] === 'request' && it['peer'] === idOf(peer) && it['transport'] === transport)
        .at(-1);
      assert.ok(record, `${edge} was not used`);
      return [edge, [String(record['peer_serial']), String(record['self_serial'])]];
    }),
  );
}

/** Resolves when each edge is used with serials that neither of its ends had before. */
export async function untilReplaced(logs: PodLogs, before: EdgeSerials, timeoutMs: number): Promise<EdgeSerials> {
  return await eventually(timeoutMs, () => {
    const now = serialsOf(logs);
    const old = [...now].filter(([edge, serials]) => serials.some((serial) => before.get(edge)?.includes(serial)));
    assert.deepEqual(old, [], 'edges that are still used with an old SVID');
    return now;
  });
}
