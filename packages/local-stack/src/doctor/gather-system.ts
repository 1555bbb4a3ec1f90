/** Facts about what surrounds the identities: health, clocks, policy, PostgreSQL's map, ports, modes of files. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPolicyEngine } from '@countersign/authz';
import type { Identities } from '@countersign/identities';
import { findPortProblems, portVariable, type UsedPort } from '../ports.ts';
import { findPostgresFile } from '../postgres/location.ts';
import { layOutSpire } from '../spire/layout.ts';
import type { SystemFile } from '../system-file.ts';
import type { ClockFacts, FileFacts, HealthFacts, PolicyFacts, PortFacts, PostgresFacts } from './facts.ts';

const policies = new URL('../../../../policies/', import.meta.url);
const timeoutMs = 2_000;
/** Services that decide by a policy. */
const deciding = ['backend', 'db-client'];

/** Asks the health ports, whose answers also tell the time. */
export async function gatherHealth({
  addresses,
}: SystemFile): Promise<{ health: HealthFacts[]; clocks: ClockFacts[] }> {
  const ports = {
    customer: addresses.customer.health,
    backend: addresses.backend.health,
    'db-client': addresses.dbClient.health,
  };
  const found = await Promise.all(Object.entries(ports).map(([service, address]) => askHealth(service, address)));
  return { health: found.map(({ health }) => health), clocks: found.flatMap(({ clock }) => clock ?? []) };
}

async function askHealth(service: string, address: string): Promise<{ health: HealthFacts; clock?: ClockFacts }> {
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    const clock = clockIn(service, response);
    const document: unknown = await response.json();
    return { health: { service, reasons: reasonsIn(document) }, ...(clock === undefined ? {} : { clock }) };
  } catch {
    return { health: { service } };
  }
}

/** The clock of a server of plain HTTP or HTTPS. */
export async function gatherClock(url: string): Promise<ClockFacts[]> {
  const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(timeoutMs) });
  return [clockIn(url, response) ?? []].flat();
}

function clockIn(subject: string, response: Response): ClockFacts | undefined {
  const theirsMs = Date.parse(response.headers.get('date') ?? '');
  return Number.isNaN(theirsMs) ? undefined : { subject, theirsMs, oursMs: Date.now() };
}

function reasonsIn(document: unknown): Record<string, string> {
  const reasons = typeof document === 'object' && document !== null && 'reasons' in document ? document.reasons : {};
  const entries = typeof reasons === 'object' && reasons !== null ? Object.entries(reasons) : [];
  return Object.fromEntries(entries.map(([part, reason]) => [part, String(reason)]));
}

/** The policy from identities.json to what services say that they loaded. */
export async function gatherPolicy(
  identities: Identities,
  bundlePath: string | undefined,
  logs: string | undefined,
): Promise<PolicyFacts> {
  const written: unknown = JSON.parse(readFileSync(new URL('data/grants/data.json', policies), 'utf8'));
  return {
    wantedGrants: canonical(identities.grants()),
    writtenGrants: canonical(written),
    grantedIds: idsIn(written),
    bundle: await readBundle(bundlePath || fileURLToPath(new URL('bundle.tar.gz', policies))),
    loaded: logs === undefined ? [] : deciding.flatMap((service) => loadedRevision(service, logs)),
  };
}

async function readBundle(bundlePath: string): Promise<PolicyFacts['bundle']> {
  const engine = await createPolicyEngine({ bundlePath });
  try {
    const status = engine.status();
    return status.state === 'loaded' ? { revision: status.revision } : { refused: status.error.message };
  } finally {
    engine.close();
  }
}

/** The last one that the service's log tells. */
function loadedRevision(service: string, logs: string): { service: string; revision: string }[] {
  const path = join(logs, `${service}.log`);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const found = lines.findLast((line) => line.includes('"event":"policy"') && line.includes('"revision"'));
  const revision = found === undefined ? undefined : /"revision":"([^"]+)"/.exec(found)?.[1];
  return revision === undefined ? [] : [{ service, revision }];
}

/** JSON with names in order, so that equal documents have equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function idsIn(grants: unknown): string[] {
  if (typeof grants !== 'object' || grants === null) return [];
  const peers = Object.values(grants).flatMap((value: unknown) =>
    typeof value === 'object' && value !== null ? Object.keys(value) : [],
  );
  return [...new Set([...Object.keys(grants), ...peers])];
}

/** PostgreSQL's map, as it should be and as the running server has it. */
export function gatherPostgres(
  identities: Identities,
  stateDirectory: string,
  system: Pick<SystemFile, 'control'> | undefined,
): PostgresFacts {
  const identLines = identities
    .pgIdentLines('spiffe')
    .split('\n')
    .filter((line) => line !== '');
  // On SPIRE the server has a home of its own; what an earlier run left in the other place is not what it reads.
  const isSpire = system !== undefined && system.control === undefined;
  const home = isSpire ? layOutSpire(stateDirectory).postgresHome : stateDirectory;
  const path = system === undefined ? undefined : findPostgresFile(home, 'pg_ident.conf');
  return path === undefined ? { identLines } : { identLines, identFile: readFileSync(path, 'utf8') };
}

/** Whether each port can be bound. */
export async function gatherPorts(ports: readonly UsedPort[]): Promise<PortFacts[]> {
  const problems = await findPortProblems(ports);
  return problems.map(({ name, port, problem }) => ({
    name,
    port,
    variable: portVariable(name),
    ...(problem === undefined ? {} : { problem }),
  }));
}

/** Modes of a folder, and of the folders and keys directly in it and below `ca` and `run`. */
export function gatherFiles(roots: readonly string[]): FileFacts[] {
  return roots.filter((root) => existsSync(root)).flatMap((root) => [factsOf(root, 'directory'), ...inside(root, 2)]);
}

function inside(directory: string, depth: number): FileFacts[] {
  if (depth === 0) return [];
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.flatMap((found) => {
    const path = join(directory, found.name);
    // Node's compile cache: our published code, in folders of modes that Node chose.
    if (found.isDirectory())
      return [factsOf(path, 'directory'), ...(found.name === 'cache' ? [] : inside(path, depth - 1))];
    return found.isFile() && holdsKey(path) ? [factsOf(path, 'key')] : [];
  });
}

/** Files of keys by name, or because a PEM key is in them; what can't be read is nobody's business here. */
function holdsKey(path: string): boolean {
  if (/\.key$/.test(path)) return true;
  try {
    return /\.(pem|json)$/.test(path) && readFileSync(path, 'latin1').includes('PRIVATE KEY');
  } catch {
    return false;
  }
}

function factsOf(path: string, kind: FileFacts['kind']): FileFacts {
  return { path, kind, mode: lstatSync(path).mode };
}
