/**
 * What an operator of a trust domain does for newcomers and partners, on the development trust domain and on SPIRE: the
 * same experiments run on each.
 */
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import {
  type LogRecord,
  type ProgramName,
  type RunningSystem,
  recordsFromNow,
  type SpireSystem,
  type System,
} from '@countersign/local-stack';
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

/** Where identities come from. */
export type Provider = 'embedded' | 'spire';

/** The same for people. */
export function providerInWords(provider: Provider): string {
  return provider === 'spire' ? 'SPIRE' : 'the development trust domain';
}

/** The operator. */
export interface Trust {
  readonly provider: Provider;
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

/**
 * On SPIRE: entries and bundles, by `spire-server`. The newcomers are this process, so root.
 * @param svidTtlMs life of an SVID: of newcomers as of everybody
 */
export function spireTrust({ spire, identities, accountOf }: SpireSystem, svidTtlMs: number): Trust {
  const parentId = `spiffe://${identities.trustDomain}/agent/local`;
  const seconds = Math.round(svidTtlMs / 1_000);
  const lives = { x509_svid_ttl: seconds, jwt_svid_ttl: seconds };
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

/** How long a bundle may take: SPIRE's agent asks every five seconds. */
const BUNDLES_MS = 30_000;

/** Does something, and resolves when each of these programs has other bundles. */
export async function untilBundles(
  system: Pick<RunningSystem, 'waitForLog'>,
  programs: readonly ProgramName[],
  change: () => Promise<void>,
): Promise<void> {
  const isSince = recordsFromNow();
  await change();
  const isUpdate = (record: LogRecord) =>
    isSince(record) && record['event'] === 'identity' && JSON.stringify(record['changed']).includes('"bundles":true');
  await Promise.all(programs.map((program) => system.waitForLog(program, isUpdate, BUNDLES_MS)));
}
