/** A partner's trust domain: a second CA of its own, in this process, with the workloads that somebody needs of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDevTrustDomain } from '@countersign/dev-trust-domain';
import {
  createStaticX509Source,
  fetchX509Context,
  TrustDomain,
  type X509Bundle,
  X509BundleSet,
  type X509Source,
} from '@countersign/spiffe-tls';
import { partnerIdOf } from './partner-name.ts';

/** A running one. */
export interface Partner extends AsyncDisposable {
  readonly trustDomain: string;
  /** For those who are to trust it. */
  bundleDocument(): Promise<string>;
  idOf(workload: string): string;
  /**
   * A workload of it, as it is now, that also trusts a bundle of the system's, whatever its own trust domain was told: so
   * the only side that can refuse is the system's.
   */
  sourceAs(workload: string, ofSystem: X509Bundle): Promise<X509Source>;
}

/** Nobody who was given the bundle once is told of a new root, so there is none for a month. */
const caTtlMs = 45 * 86_400_000;

/** Starts a trust domain with these workloads. */
export async function startPartner(name: string, workloads: readonly string[]): Promise<Partner> {
  const runDirectory = mkdtempSync(join(tmpdir(), 'countersign-td-'));
  const idOf = (workload: string) => partnerIdOf(name, workload);
  const registrations = workloads.map((workload) => ({ name: workload, spiffeId: idOf(workload), dnsNames: [] }));
  const trustDomain = await startDevTrustDomain({ trustDomain: name, runDirectory, registrations, caTtlMs });
  return {
    trustDomain: name,
    idOf,
    bundleDocument: () => trustDomain.bundleDocument(),
    async sourceAs(workload, ofSystem) {
      const { svid, bundles } = await fetchX509Context({ endpoint: trustDomain.socketOf(workload) });
      const own = bundles.get(TrustDomain.parse(name));
      const both = own === undefined ? [ofSystem] : [own, ofSystem];
      return createStaticX509Source({ svid, svids: [svid], bundles: X509BundleSet.of(...both) });
    },
    async [Symbol.asyncDispose]() {
      await trustDomain.close();
      rmSync(runDirectory, { recursive: true, force: true });
    },
  };
}
