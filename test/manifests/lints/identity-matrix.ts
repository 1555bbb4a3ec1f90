/**
 * The identity matrix: every pod by every ClusterSPIFFEID. Each workload of identities.json gets its own ID and CN, nobody gets
 * another's, and who is not named gets none.
 */
import {
  clusterSpiffeIds,
  hasSelectors,
  hasWorkloadApi,
  type IssuedIdentity,
  issuedTo,
} from '../cluster-spiffe-ids.ts';
import { type Finding, quoted } from '../findings.ts';
import { at, textAt, textListAt } from '../json.ts';
import { idOf } from '../objects.ts';
import { type PodTemplate, podsOf } from '../pods.ts';
import type { World } from '../world.ts';

/** One ClusterSPIFFEID for each workload, and no other. */
export function identityForEach(world: World): readonly Finding[] {
  const there = clusterSpiffeIds(world).map(({ name }) => name);
  const wanted = world.identities.names();
  const rule = 'identity-for-each';
  return [
    ...wanted
      .filter((name) => !there.includes(name))
      .map((name) => ({
        rule,
        object: `ClusterSPIFFEID ${name}`,
        says: 'identities.json has it, the values have not',
      })),
    ...there
      .filter((name) => !wanted.includes(name))
      .map((name) => ({ rule, object: `ClusterSPIFFEID ${name}`, says: 'it is no workload of identities.json' })),
  ];
}

/** Every pod gets exactly the identity that its ServiceAccount has in identities.json. */
export function identityMatrix(world: World): readonly Finding[] {
  return podsOf(world.objects).flatMap((pod) => {
    const finding = (says: string): Finding => ({ rule: 'identity-matrix', object: idOf(pod.owner), says });
    const issued = issuedTo(pod, world);
    const [identity] = issued;
    if (issued.length > 1)
      return [finding(`several ClusterSPIFFEIDs select it: ${issued.map(({ by }) => by).join(', ')}`)];
    if (identity === undefined) {
      return hasWorkloadApi(pod) ? [finding('it has the Workload API, and no ClusterSPIFFEID selects it')] : [];
    }
    return faultsOf(pod, identity, world).map(finding);
  });
}

/**
 * ZERO TRUST: a label is anybody's to wear. What the agent itself sees of the process has to say the same.
 */
export function identityNeedsServiceAccount(world: World): readonly Finding[] {
  return clusterSpiffeIds(world).flatMap(({ name, spec }) => {
    const selectors = textListAt(spec, 'workloadSelectorTemplates');
    return [`k8s:ns:${world.identities.namespace}`, `k8s:sa:${name}`]
      .filter((selector) => !selectors.includes(selector))
      .map((selector) => ({
        rule: 'identity-needs-service-account',
        object: `ClusterSPIFFEID ${name}`,
        says: `workloadSelectorTemplates must have ${selector}, got ${quoted(selectors)}`,
      }));
  });
}

/** No identity for whoever is not named: the chart's own ClusterSPIFFEIDs are off, and none of ours is a fallback. */
export function noFallbackIdentity(world: World): readonly Finding[] {
  const rule = 'no-fallback-identity';
  return clusterSpiffeIds(world).flatMap(({ name, spec }) => {
    const object = `ClusterSPIFFEID ${name}`;
    const selectsEveryone = at(spec, 'podSelector') === undefined || at(spec, 'namespaceSelector') === undefined;
    return [
      ...(at(spec, 'fallback') === true ? [{ rule, object, says: 'fallback must not be true' }] : []),
      ...(selectsEveryone ? [{ rule, object, says: 'it must have a podSelector and a namespaceSelector' }] : []),
    ];
  });
}

/** The chart makes these where nobody says otherwise, the first of them for every pod of the cluster. */
const OF_THE_CHART = ['default', 'test-keys', 'oidc-discovery-provider'];

export function chartIdentitiesOff({ spireValues }: World): readonly Finding[] {
  const path = ['spire-server', 'controllerManager', 'identities', 'clusterSPIFFEIDs'];
  return OF_THE_CHART.filter((name) => at(spireValues, ...path, name, 'enabled') !== false).map((name) => ({
    rule: 'no-fallback-identity',
    object: `ClusterSPIFFEID ${name}`,
    says: 'the chart makes it unless its values say enabled: false',
  }));
}

/** Without a class of our own the controller manager of another release would take ours for its own. */
export function classNamed({ spireValues }: World): readonly Finding[] {
  const className = textAt(spireValues, 'spire-server', 'controllerManager', 'className');
  if (className !== undefined && className !== '') return [];
  return [{ rule: 'class-named', object: 'kind/spire', says: 'controllerManager.className must be set' }];
}

function faultsOf(pod: PodTemplate, issued: IssuedIdentity, { identities }: World): readonly string[] {
  if (!identities.names().includes(pod.serviceAccount))
    return [
      `its ServiceAccount ${quoted(pod.serviceAccount)} is no workload of identities.json, and it gets ${issued.spiffeId}`,
    ];
  const workload = identities.workload(pod.serviceAccount);
  const faults: string[] = [];
  if (issued.spiffeId !== workload.spiffeId) faults.push(`it gets ${issued.spiffeId}, not ${workload.spiffeId}`);
  if (issued.dnsNames[0] !== workload.dnsName)
    faults.push(`its CN is the first DNS name, ${quoted(issued.dnsNames[0])}, not ${workload.dnsName}`);
  if (!hasSelectors(issued, pod))
    faults.push(`${issued.by} asks for ${issued.selectors.join(', ')}, which the agent will not see: it gets nothing`);
  return faults;
}
