/** What nearly every test file needs: the API, the customer's edge, and the services' logs from now on. */
import { type Api, openApi } from './api.ts';
import { type Forward, openEdge } from './forward.ts';
import { openLogs, type PodLogs } from './logs.ts';

/** The running system. */
export interface Cluster extends AsyncDisposable {
  readonly api: Api;
  readonly edge: Forward;
  readonly logs: PodLogs;
}

/** Opens it. */
export async function openCluster(): Promise<Cluster> {
  await using opened = new AsyncDisposableStack();
  const api = opened.use(await openApi());
  const logs = opened.use(await openLogs(api, ['customer', 'backend', 'db-client', 'postgres', 'rogue']));
  const edge = opened.use(await openEdge());
  const kept = opened.move();
  return { api, edge, logs, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
