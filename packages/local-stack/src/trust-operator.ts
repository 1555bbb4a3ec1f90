/**
 * What an operator of a trust domain does for newcomers and partners, on the development trust domain and on SPIRE: the
 * console and the experiments run the same on each.
 */
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

/** The operator. Each method resolves when it is ordered; workloads hear of it a moment later. */
export interface TrustOperator {
  /** Adds one entry: this process is that workload from now on. */
  enroll(newcomer: Newcomer): Promise<Enrolled>;
  /** The own bundle document, for a partner. */
  bundleDocument(): Promise<string>;
  /** Trusts a partner's bundle, and gives it to these workloads of the system and no other. Who has no identity gets it with one. */
  federate(partner: string, document: string, workloads: readonly string[]): Promise<void>;
  /** Ends it. */
  unfederate(partner: string): Promise<void>;
  /** Names of the trust domains whose bundles are known. */
  partners(): Promise<readonly string[]>;
}

/** A source of an identity that was enrolled, ready. */
export async function openEnrolled({ endpoint, hint }: Enrolled): Promise<WorkloadApiX509Source> {
  const source = createWorkloadApiX509Source({ endpoint, ...(hint === undefined ? {} : { hint }) });
  await source.ready();
  return source;
}

/** Which workloads are to have which partners' bundles: it outlives a registration that is withdrawn and given back. */
export class FederatedWorkloads {
  readonly #partners = new Map<string, Set<string>>();

  /** Remembers it for each of the workloads. */
  add(partner: string, workloads: readonly string[]): void {
    for (const workload of workloads) this.#partners.set(workload, new Set([...this.of(workload), partner]));
  }

  /** Forgets a partner. @returns the workloads that had it */
  delete(partner: string): readonly string[] {
    return [...this.#partners].filter(([, partners]) => partners.delete(partner)).map(([workload]) => workload);
  }

  /** Partners of one workload. */
  of(workload: string): readonly string[] {
    return [...(this.#partners.get(workload) ?? [])];
  }
}
