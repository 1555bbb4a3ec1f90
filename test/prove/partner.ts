/** A partner's trust domain: a second CA of its own, in this process, with the workloads that an experiment needs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDevTrustDomain } from '@countersign/dev-trust-domain';
import {
  createStaticX509Source,
  createWorkloadApiX509Source,
  TrustDomain,
  X509BundleSet,
  type X509Source,
} from '@countersign/spiffe-tls';

/** A running one. */
export interface Partner extends AsyncDisposable {
  readonly trustDomain: string;
  /** For those who are to trust it. */
  bundleDocument(): Promise<string>;
  idOf(workload: string): string;
  /**
   * A workload of it that also trusts the system's servers, whatever its own trust domain was told: so the only side that can
   * refuse is the system's.
   */
  sourceAs(workload: string, system: X509Source): Promise<X509Source>;
}

/** Starts a trust domain with these workloads. */
export async function startPartner(name: string, workloads: readonly string[]): Promise<Partner> {
  const runDirectory = mkdtempSync(join(tmpdir(), 'countersign-td-'));
  const idOf = (workload: string) => `spiffe://${name}/${workload}`;
  const registrations = workloads.map((workload) => ({ name: workload, spiffeId: idOf(workload), dnsNames: [] }));
  const trustDomain = await startDevTrustDomain({ trustDomain: name, runDirectory, registrations });
  return {
    trustDomain: name,
    idOf,
    bundleDocument: () => trustDomain.bundleDocument(),
    async sourceAs(workload, system) {
      await using own = createWorkloadApiX509Source({ endpoint: trustDomain.socketOf(workload) });
      const { svid, bundles } = await own.ready();
      const { svid: ofSystem, bundles: systemBundles } = system.current();
      const both = [bundles.get(TrustDomain.parse(name)), systemBundles.get(ofSystem.id.trustDomain)].filter(
        (bundle) => bundle !== undefined,
      );
      return createStaticX509Source({ svid, svids: [svid], bundles: X509BundleSet.of(...both) });
    },
    async [Symbol.asyncDispose]() {
      await trustDomain.close();
      rmSync(runDirectory, { recursive: true, force: true });
    },
  };
}
