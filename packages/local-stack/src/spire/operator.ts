/**
 * An operator of SPIRE, by what a person with `spire-server` would do: entries, bundles, and the steps of `localauthority`.
 */
import { randomUUID } from 'node:crypto';
import type { Identities } from '@countersign/identities';
import type { IdentityControl, Operator } from '../identity-control.ts';
import type { RunningSystem } from '../system.ts';
import { FederatedWorkloads, type TrustOperator } from '../trust-operator.ts';
import { isHolder } from '../workload-updates.ts';
import { agentIdOf } from './config-files.ts';
import type { SpireControl } from './control.ts';
import type { SpireEntry } from './entries.ts';
import { createEntryBook, type EntryBook } from './entry-book.ts';
import { rootsOf, rotateRootOnDisk } from './rotate-root.ts';

/** What the operator is made from. */
export interface SpireOperatorParts {
  readonly spire: SpireControl;
  readonly system: Pick<RunningSystem, 'waitForLog'>;
  readonly identities: Identities;
  /** Entries as the system began with; the ID of each is its workload's name. */
  readonly entries: readonly SpireEntry[];
}

/** The operator of a system on SPIRE; a new CA takes a root on disk. */
export function createSpireOperator({ spire, system, identities, entries }: SpireOperatorParts): Operator {
  const book = createEntryBook(spire, entries);
  const federated = new FederatedWorkloads();
  const own = { spire, system, identities, entries, book, federated };
  return { control: identityControl(own), trust: trustOperator(own) };
}

interface Parts extends SpireOperatorParts {
  readonly book: EntryBook;
  readonly federated: FederatedWorkloads;
}

function identityControl({ spire, system, identities, book, federated }: Parts): IdentityControl {
  const present = async () => [...(await book.present()).keys()];
  return {
    // An entry that changed at all is signed anew at the agent's next sync.
    async rotate(workload) {
      const names = workload === undefined ? await present() : [workload];
      await book.update(names, (entry) => ({ ...entry, hint: randomUUID() }));
    },
    async rotateCa() {
      await rotateRootOnDisk(spire, system, (await present()).filter(isHolder));
    },
    roots: () => rootsOf(spire),
    withdraw: (workload) => book.delete(workload),
    async give(workload, identity = workload) {
      const { spiffeId, dnsName } = identities.workload(identity);
      const named = { spiffe_id: spiffeId, dns_names: [dnsName] };
      await book.create(workload, (entry) => ({ ...entry, ...named, ...federatesWith(federated.of(workload)) }));
    },
    registered: async () => new Set(await present()),
  };
}

/** Newcomers are this process, so root; they live as long as everybody. */
function trustOperator({ spire, identities, entries, book, federated }: Parts): TrustOperator {
  return {
    async enroll({ name, spiffeId, dnsName, federatesWith: partners = [] }) {
      const [like] = entries;
      await spire.createEntry({
        entry_id: `${name}-${randomUUID()}`,
        spiffe_id: spiffeId,
        parent_id: agentIdOf(identities.trustDomain),
        selectors: [{ type: 'unix', value: 'uid:0' }],
        dns_names: [dnsName],
        x509_svid_ttl: like?.x509_svid_ttl ?? 0,
        jwt_svid_ttl: like?.jwt_svid_ttl ?? 0,
        hint: name,
        ...federatesWith(partners),
      });
      return { endpoint: spire.socket, hint: name };
    },
    bundleDocument: () => spire.command(['bundle', 'show', '-format', 'spiffe']),
    async federate(partner, document, workloads) {
      await spire.command(['bundle', 'set', '-format', 'spiffe', '-id', idOf(partner)], document);
      federated.add(partner, workloads);
      for (const workload of workloads)
        await book.update([workload], (entry) => ({ ...entry, ...federatesWith(federated.of(workload)) }));
    },
    async unfederate(partner) {
      for (const workload of federated.delete(partner))
        await book.update([workload], (entry) => ({ ...entry, ...federatesWith(federated.of(workload)) }));
      // Out of the entries that are not in our book, too.
      await spire.command(['bundle', 'delete', '-id', idOf(partner), '-mode', 'dissociate']);
    },
    partners: () => spire.federatedTrustDomains(),
  };
}

function idOf(trustDomain: string): string {
  return `spiffe://${trustDomain}`;
}

/** An entry that federates with a trust domain of unknown bundle would be refused. */
function federatesWith(partners: readonly string[]): Pick<SpireEntry, 'federates_with'> {
  return { federates_with: partners.map(idOf) };
}
