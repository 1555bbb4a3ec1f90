/**
 * A second trust domain with a SPIRE server of its own, federated with ours and un-federated again: backend gets the
 * partner's bundle, and loses it. No grant names anybody of the partner's; who is believed is not yet who is allowed.
 */
import { partnerTrustDomain } from '../partner-name.ts';
import type { SpireCommands } from '../spire/control.ts';
import { className, findClusterSpiffeId } from './cluster-identities.ts';
import type { ClusterLogs, PodLine } from './cluster-logs.ts';
import type { Extras } from './extras.ts';
import { parseObject, textAt } from './json.ts';
import type { Kubectl } from './kubectl.ts';
import { createClusterSpire } from './spire-server.ts';

/** What it needs. */
export interface FederationParts {
  readonly kubectl: Kubectl;
  readonly extras: Extras;
  /** Our own server. */
  readonly spire: SpireCommands;
  /** Of {@link federated}. */
  readonly logs: ClusterLogs;
  print(text: string): void;
}

/** The workload that gets the partner's bundle. */
export const federated = 'backend';

const namespace = 'partner';
const server = 'partner-spire-server';
const trustDomain = partnerTrustDomain;
const id = `spiffe://${trustDomain}`;
const kind = 'clusterfederatedtrustdomains.spire.spiffe.io';

/** Resolves when every pod of backend has the partner's bundle. */
export async function federate({ kubectl, extras, spire, logs, print }: FederationParts): Promise<void> {
  await extras.add('partner');
  await kubectl.run(['rollout', 'status', `statefulset/${server}`, '-n', namespace, '--timeout=110s']);
  const partner = createClusterSpire(kubectl, { namespace, pod: `${server}-0` });
  const document = await partner.command(['bundle', 'show', '-format', 'spiffe']);
  // The bundle before the relationship, and both before the entry: an entry that federates with an unknown trust domain
  // is refused, and its pods would have no identity at all.
  await spire.command(['bundle', 'set', '-format', 'spiffe', '-id', id], document);
  await kubectl.run(['apply', '--server-side', '-f', '-'], JSON.stringify(relationship(document)));
  print(`our server has the bundle of ${trustDomain}, and fetches it from the partner's endpoint from now on`);
  if (await isFederated(kubectl)) return print(`${federated} federates with ${trustDomain} already`);
  const told = await logs.untilEachHas(knows(true), () => setFederatesWith(kubectl, [trustDomain]));
  print(`${told.map(({ pod }) => pod).join(', ')}: verifies peers of ${trustDomain} from now on`);
}

/** Resolves when no pod of backend has the partner's bundle; its open connections of the partner's have ended by then. */
export async function unfederate({ kubectl, extras, spire, logs, print }: FederationParts): Promise<void> {
  if (await isFederated(kubectl)) {
    const told = await logs.untilEachHas(knows(false), () => setFederatesWith(kubectl, null));
    print(`${told.map(({ pod }) => pod).join(', ')}: no bundle of ${trustDomain} any more`);
  }
  await kubectl.run(['delete', kind, namespace, '--ignore-not-found']);
  const known = await spire.command(['bundle', 'list', '-format', 'spiffe']);
  if (known.includes(trustDomain)) await spire.command(['bundle', 'delete', '-id', id, '-mode', 'dissociate']);
  await extras.remove('partner');
  print(`${trustDomain} and its server are gone`);
}

function relationship(document: string) {
  // Read once: what the partner's server printed must be JSON before it goes into a resource.
  const trustDomainBundle = JSON.stringify(parseObject(document, 'spire-server bundle show'));
  return {
    apiVersion: 'spire.spiffe.io/v1alpha1',
    kind: 'ClusterFederatedTrustDomain',
    metadata: { name: namespace },
    spec: {
      className,
      trustDomain,
      trustDomainBundle,
      bundleEndpointURL: `https://${server}.${namespace}.svc.cluster.local:8443`,
      bundleEndpointProfile: { type: 'https_spiffe', endpointSPIFFEID: `${id}/spire/server` },
    },
  };
}

/** A field that Helm leaves alone: an upgrade neither takes it away nor stumbles over it. */
async function setFederatesWith(kubectl: Kubectl, federatesWith: readonly string[] | null): Promise<void> {
  const name = textAt(await findClusterSpiffeId(kubectl, federated), 'metadata', 'name');
  const patch = JSON.stringify({ spec: { federatesWith } });
  await kubectl.run(['patch', 'clusterspiffeids.spire.spiffe.io', name, '--type=merge', '-p', patch]);
}

async function isFederated(kubectl: Kubectl): Promise<boolean> {
  const { spec } = await findClusterSpiffeId(kubectl, federated);
  return JSON.stringify(spec).includes(JSON.stringify(trustDomain));
}

function knows(expected: boolean): (line: PodLine) => boolean {
  return ({ record }) => {
    const known = record?.['trustDomains'];
    return record?.['event'] === 'identity' && Array.isArray(known) && known.includes(trustDomain) === expected;
  };
}
