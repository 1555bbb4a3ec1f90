/** Facts about the Workload API: what its address is, what stands there, and what it answers. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { Identities } from '@countersign/identities';
import { fetchX509Context, parseWorkloadEndpoint, type X509Context } from '@countersign/spiffe-tls';
import { messageOf, systemErrorCode } from '../errors.ts';
import type { SystemFile } from '../system-file.ts';
import { openWorkloadSocket } from '../workload-socket.ts';
import type { EndpointFacts, SocketKind, WorkloadAnswer, WorkloadFacts } from './facts.ts';

/** Long enough for an agent that is there. */
const timeoutMs = 2_000;

/** Looks at an address without asking it anything. */
export async function gatherEndpoint(subject: string, address: string): Promise<EndpointFacts> {
  const path = pathIn(address);
  return path === undefined ? { subject, address } : { subject, address, socket: await socketKind(path) };
}

/** Asks for one workload's identity at an address that this process may ask. */
export async function gatherWorkload(
  identities: Identities,
  name: string,
  endpoint: string,
  selectorUid?: number,
): Promise<WorkloadFacts> {
  const { spiffeId, dnsName, postgresRole } = identities.workload(name);
  const askedAsUid = process.geteuid?.();
  return {
    name,
    expectedId: spiffeId,
    expectedDnsName: dnsName,
    ...(postgresRole === undefined ? {} : { postgresRole }),
    peerTrustDomains: peerTrustDomainsOf(identities, spiffeId),
    answer: await ask(endpoint),
    ...(askedAsUid === undefined ? {} : { askedAsUid }),
    ...(selectorUid === undefined ? {} : { selectorUid }),
  };
}

/** The same in a running system; where users make a workload what it is, somebody of that user asks. */
export async function gatherRunningWorkload(
  identities: Identities,
  system: SystemFile,
  name: string,
): Promise<WorkloadFacts> {
  await using socket = await openWorkloadSocket(system, name);
  return await gatherWorkload(identities, name, socket.endpoint);
}

function pathIn(address: string): string | undefined {
  try {
    const endpoint = parseWorkloadEndpoint(address);
    return endpoint.kind === 'unix' ? endpoint.path : undefined;
  } catch {
    return undefined;
  }
}

async function socketKind(path: string): Promise<SocketKind> {
  try {
    const found = await stat(path);
    if (!found.isSocket()) return 'no-socket';
    await access(path, constants.W_OK);
    return 'socket';
  } catch (error) {
    const code = systemErrorCode(error);
    return code === 'EACCES' || code === 'EPERM' ? 'not-permitted' : 'missing';
  }
}

async function ask(endpoint: string): Promise<WorkloadAnswer> {
  try {
    // Off: an SVID that a service would refuse is exactly what is looked for.
    return answerOf(await fetchX509Context({ endpoint, timeoutMs, ownSvidChecks: 'off' }));
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const message = messageOf(cause);
    return { kind: /PERMISSION_DENIED/.test(message) ? 'denied' : 'silent', message };
  }
}

function answerOf({ svid, bundles }: X509Context): WorkloadAnswer {
  const { leaf } = svid;
  return {
    kind: 'svid',
    spiffeId: svid.id.toString(),
    dnsNames: leaf.dnsSans,
    notBeforeMs: leaf.notBeforeMs,
    notAfterMs: leaf.notAfterMs,
    bundles: bundles.trustDomains().map((trustDomain) => ({
      trustDomain: trustDomain.name,
      authoritiesExpireMs: (bundles.get(trustDomain)?.authorities ?? []).map(({ notAfterMs }) => notAfterMs),
    })),
  };
}

/** Its own, and those of every ID that a grant puts on the other side of it. */
function peerTrustDomainsOf(identities: Identities, spiffeId: string): string[] {
  const grants = identities.grants();
  const callers = Object.keys(grants[spiffeId] ?? {});
  const called = Object.entries(grants).flatMap(([self, peers]) => (spiffeId in peers ? [self] : []));
  const names = [...callers, ...called].map((id) => new URL(id).hostname);
  return [...new Set([identities.trustDomain, ...names])];
}
