/**
 * Volumes as csi-driver-spiffe keeps them, one a workload, fed from the development trust domain: certificate, key and CA
 * change together by the swap of `..data`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createWorkloadApiX509Source, toPem, type X509Context } from '@countersign/spiffe-tls';
import { writeAtomically } from '@countersign/testkit';

/** Volumes that are kept current until they are closed. */
export interface IdentityVolumes {
  directoryOf(workload: string): string;
  /** Serial numbers that were written for a workload, oldest first. */
  serialsOf(workload: string): readonly string[];
  /** Resolves when what was begun is written. */
  close(): Promise<void>;
}

interface Volume {
  readonly serials: string[];
  close(): Promise<void>;
}

/** @param options.socketOf Workload API address of a workload; it may begin to answer later */
export function startIdentityVolumes(
  root: string,
  workloads: readonly string[],
  options: { socketOf(workload: string): string },
): IdentityVolumes {
  const directoryOf = (workload: string) => join(root, workload);
  const volumes = new Map(
    workloads.map((workload) => [workload, startVolume(directoryOf(workload), options.socketOf(workload))]),
  );
  return {
    directoryOf,
    serialsOf: (workload) => volumes.get(workload)?.serials ?? [],
    async close() {
      await Promise.all(Array.from(volumes.values(), (volume) => volume.close()));
    },
  };
}

function startVolume(directory: string, endpoint: string): Volume {
  mkdirSync(directory, { recursive: true });
  const source = createWorkloadApiX509Source({ endpoint, initialTimeoutMs: Number.POSITIVE_INFINITY });
  const serials: string[] = [];
  let writing = Promise.resolve();
  const write = (context: X509Context) => {
    writing = writing.then(async () => {
      await writeAtomically(directory, filesOf(context));
      serials.push(context.svid.leaf.serialNumber);
    });
  };
  source.subscribe((event) => {
    if (event.type === 'update') write(event.context);
  });
  // Closing before the first identity rejects it.
  source.ready().catch(() => {});
  return {
    serials,
    async close() {
      source.close();
      await writing;
    },
  };
}

function filesOf({ svid, bundles }: X509Context): Record<string, string> {
  const authorities = bundles.get(svid.id.trustDomain)?.authorities ?? [];
  return {
    'tls.crt': svid.certificatePem,
    'tls.key': svid.privateKeyPem(),
    'ca.crt': authorities.map(({ der }) => toPem('CERTIFICATE', der)).join(''),
  };
}
