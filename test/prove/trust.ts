/**
 * What an operator of a trust domain does for newcomers and partners, on the development trust domain and on SPIRE: the
 * same experiments run on each.
 */
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import type { SpireSystem, System } from '@countersign/local-stack';
import { createWorkloadApiX509Source, type WorkloadApiX509Source } from '@countersign/spiffe-tls';

/** An identity that is not in `identities.json`. */
export interface Newcomer {
  /** Lower-case letters, digits and `-`. */
  readonly name: string;
  readonly spiffeId: string;
  readonly dnsName: string;
  /** Trust domains whose bundles it is to have. */
  readonly federatesWith?: readonly string[];
}

/** An identity that was given to this process. */
export interface Enrolled {
  readonly endpoint: string;
  /** Says which identity is meant, where one socket has several. */
  readonly hint?: string;
}

/** The operator. */
export interface Trust {
  readonly provider: 'embedded' | 'spire';
  /** Adds one entry: this process is that workload from now on. */
  enroll(newcomer: Newcomer): Promise<Enrolled>;
  /** The own bundle document, for a partner. */
  bundleDocument(): Promise<string>;
  /** Trusts a partner's bundle, and gives it to these workloads of the system and no other. */
  federate(partner: string, document: string, workloads: readonly string[]): Promise<void>;
  /** Ends it. */
  unfederate(partner: string): Promise<void>;
}

/** A source of an identity that was enrolled, ready. */
export async function openEnrolled({ endpoint, hint }: Enrolled): Promise<WorkloadApiX509Source> {
  const source = createWorkloadApiX509Source({ endpoint, ...(hint === undefined ? {} : { hint }) });
  await source.ready();
  return source;
}

/** On the development trust domain: registrations, by its control socket. */
export function embeddedTrust(system: System): Trust {
  const { trustDomain, identities } = system;
  const registration = (workload: string) => {
    const { name, spiffeId, dnsName } = identities.workload(workload);
    return { name, spiffeId, dnsNames: [dnsName] };
  };
  return {
    provider: 'embedded',
    async enroll({ name, spiffeId, dnsName, federatesWith = [] }) {
      const { socket } = await trustDomain.register({ name, spiffeId, dnsNames: [dnsName], federatesWith });
      return { endpoint: socket };
    },
    bundleDocument: () => trustDomain.bundleDocument(),
    async federate(partner, document, workloads) {
      await trustDomain.federate(partner, document);
      for (const workload of workloads)
        await trustDomain.register({ ...registration(workload), federatesWith: [partner] });
    },
    unfederate: (partner) => trustDomain.unfederate(partner),
  };
}

/** A newcomer's SVID lives as long as anybody's in the experiments. */
const ENTRY_TTL_SECONDS = 120;

/** On SPIRE: entries and bundles, by `spire-server`. The newcomers are this process, so root. */
export function spireTrust({ spire, identities, accountOf }: SpireSystem): Trust {
  const parentId = `spiffe://${identities.trustDomain}/agent/local`;
  const lives = { x509_svid_ttl: ENTRY_TTL_SECONDS, jwt_svid_ttl: ENTRY_TTL_SECONDS };
  // An entry is replaced whole: this is how the system made it.
  const entryOf = (workload: string) => {
    const { spiffeId, dnsName } = identities.workload(workload);
    const account = accountOf(workload);
    if (account === undefined) throw new TypeError(`prove: ${workload} has no account`);
    const facts = [`uid:${account.uid}`, `gid:${account.gid}`, `path:${realpathSync(process.execPath)}`];
    const selectors = facts.map((value) => ({ type: 'unix', value }));
    return { entry_id: workload, spiffe_id: spiffeId, parent_id: parentId, selectors, dns_names: [dnsName], ...lives };
  };
  return {
    provider: 'spire',
    async enroll({ name, spiffeId, dnsName, federatesWith = [] }) {
      await spire.createEntry({
        entry_id: `${name}-${randomUUID()}`,
        spiffe_id: spiffeId,
        parent_id: parentId,
        selectors: [{ type: 'unix', value: 'uid:0' }],
        dns_names: [dnsName],
        ...lives,
        hint: name,
        federates_with: federatesWith,
      });
      return { endpoint: spire.socket, hint: name };
    },
    bundleDocument: () => spire.command(['bundle', 'show', '-format', 'spiffe']),
    async federate(partner, document, workloads) {
      const id = `spiffe://${partner}`;
      await spire.command(['bundle', 'set', '-format', 'spiffe', '-id', id], document);
      await spire.updateEntries(workloads.map((name) => ({ ...entryOf(name), federates_with: [id] })));
    },
    async unfederate(partner) {
      await spire.command(['bundle', 'delete', '-id', `spiffe://${partner}`, '-mode', 'dissociate']);
    },
  };
}
