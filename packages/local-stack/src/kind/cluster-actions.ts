/** What can be done to the running cluster, put together from its parts. */
import { loadIdentities } from '@countersign/identities';
import { untilIdentities } from './cluster-identities.ts';
import { createClusterLogs, residents } from './cluster-logs.ts';
import { withEdge } from './edge.ts';
import { explainLast } from './explain.ts';
import { createExtras, type ImageSources } from './extras.ts';
import { federate, federated, unfederate } from './federation.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { describeLoad, type LoadOptions, loadOrders } from './order-load.ts';
import { placeOrder, type Via } from './orders.ts';
import { bundleWithoutOrders, committedBundle } from './policy-bundles.ts';
import { createPolicyConfigMap, deciding } from './policy-config-map.ts';
import { addRogue, removeRogue } from './rogue-pod.ts';
import { rollCa } from './roll-ca.ts';
import { rotate } from './rotate.ts';
import { smoke } from './smoke.ts';
import { createClusterSpire, ownServer, restartSpireServer } from './spire-server.ts';

/** Where words go. */
export interface Printer {
  print(text: string): void;
  printError(text: string): void;
}

/** Each resolves when the cluster has what was asked for, and rejects with a `LocalStackError` otherwise. */
export interface ClusterActions {
  order(via: Via): Promise<void>;
  /** @returns exit code: 0 when no order failed */
  load(options: LoadOptions): Promise<number>;
  smoke(): Promise<void>;
  identities(): Promise<void>;
  rotate(): Promise<void>;
  rollCa(): Promise<void>;
  addRogue(): Promise<void>;
  removeRogue(): Promise<void>;
  swapPolicy(): Promise<void>;
  restorePolicy(): Promise<void>;
  federate(): Promise<void>;
  unfederate(): Promise<void>;
  /** @returns exit code, as `npm run policy -- explain` has it */
  explain(): Promise<number>;
}

/** Makes them; nothing is asked of the cluster before one is called. */
export function clusterActions({ print, printError }: Printer, kubectl: Kubectl = createKubectl()): ClusterActions {
  const identities = loadIdentities();
  const logsOf = (...names: readonly string[]) => createClusterLogs(kubectl, identities, names);
  const spire = createClusterSpire(kubectl);
  const extras = createExtras(kubectl, imageSources(identities.namespace));
  const policy = createPolicyConfigMap(kubectl, identities, logsOf(...deciding));
  const rotation = { spire, logs: logsOf(...residents), identities, print };
  const federation = { kubectl, extras, spire, logs: logsOf(federated), print };
  const writePolicy = async (bundle: Buffer) =>
    print(`${deciding.join(' and ')} decide by ${await policy.write(bundle)}`);
  return {
    order: (via) =>
      withEdge(identities, async (base) => {
        const { id, hops } = await placeOrder(base, via);
        print([`order ${id} by ${via}`, ...hops.map((hop) => `    ${hop}`)].join('\n'));
      }),
    load: (options) =>
      withEdge(identities, async (base) => {
        const result = await loadOrders(base, options);
        print(describeLoad(result));
        return Object.keys(result.failures).length === 0 ? 0 : 1;
      }),
    smoke: () => withEdge(identities, (base) => smoke({ base, identities, logs: logsOf('backend'), print })),
    identities: async () => print(`${await untilIdentities(kubectl, identities)} workloads have their ClusterSPIFFEID`),
    rotate: () => rotate(rotation),
    rollCa: () => rollCa({ ...rotation, restartServer: () => restartSpireServer(kubectl) }),
    addRogue: () => addRogue({ kubectl, extras, identities, logs: logsOf('backend'), print }),
    removeRogue: () => removeRogue({ extras, print }),
    swapPolicy: () => writePolicy(bundleWithoutOrders(identities)),
    restorePolicy: () => writePolicy(committedBundle()),
    federate: () => federate(federation),
    unfederate: () => unfederate(federation),
    explain: () => explainLast({ logs: logsOf(...deciding), policy, print, printError }),
  };
}

/** Who runs the programs that the extra parts are made of. */
function imageSources(namespace: string): ImageSources {
  return {
    'countersign/customer': { namespace, workload: 'deploy/customer' },
    'countersign/db-client': { namespace, workload: 'deploy/db-client' },
    'ghcr.io/spiffe/spire-server': { namespace: ownServer.namespace, workload: 'statefulset/spire-server' },
  };
}
