/**
 * The trust domains that exchanges with peers take place in: an own one, a partner that it federates with, and an impostor
 * that has the own one's name and another CA.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevTrustDomain, type DevTrustDomainOptions, startDevTrustDomain } from '@countersign/dev-trust-domain';
import { SpiffeId } from '@countersign/spiffe-tls';

/** The workloads of each. */
export const WORKLOADS = ['client', 'server', 'stranger'] as const;
/** One of them. */
export type WorkloadName = (typeof WORKLOADS)[number];

/** The three. */
export interface PeerTrustDomains extends AsyncDisposable {
  readonly own: DevTrustDomain;
  readonly partner: DevTrustDomain;
  /** Issues the own trust domain's IDs under a CA that is in nobody's bundle but its own. */
  readonly impostor: DevTrustDomain;
  close(): Promise<void>;
}

/** The SPIFFE ID of a workload: `spiffe://example.org/server`. */
export function idOf(name: WorkloadName, trustDomain: 'example.org' | 'partner.example' = 'example.org'): SpiffeId {
  return SpiffeId.parse(`spiffe://${trustDomain}/${name}`);
}

/** Starts all three, own and partner federated both ways. */
export async function startTrustDomains(options: Partial<DevTrustDomainOptions> = {}): Promise<PeerTrustDomains> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-peers-'));
  const started: DevTrustDomain[] = [];
  const close = async () => {
    await Promise.all(started.map((it) => it.close()));
    rmSync(directory, { recursive: true, force: true });
  };
  const start = async (trustDomain: string, folder: string, federatesWith: readonly string[]) => {
    const registrations = WORKLOADS.map((name) => ({
      name,
      spiffeId: `spiffe://${trustDomain}/${name}`,
      dnsNames: [`${name}.${trustDomain}`, 'localhost'],
      federatesWith,
    }));
    const running = await startDevTrustDomain({
      trustDomain,
      runDirectory: join(directory, folder),
      registrations,
      ...options,
    });
    started.push(running);
    return running;
  };
  try {
    const own = await start('example.org', 'own', ['partner.example']);
    const partner = await start('partner.example', 'partner', ['example.org']);
    const impostor = await start('example.org', 'impostor', []);
    await own.federateWith(partner);
    await partner.federateWith(own);
    return { own, partner, impostor, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
