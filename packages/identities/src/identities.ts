/**
 * The one list of who exists and who may call whom, with everything that derives from it: SPIFFE IDs, DNS names,
 * registrations of the trust domain, the policy's grants, PostgreSQL's map from certificate to role.
 */
import { IdentitiesError } from './errors.ts';
import {
  defaultIdentitiesFile,
  type Grant,
  type GrantTerms,
  type IdentitiesFile,
  readIdentitiesFile,
} from './identities-file.ts';

/** One workload and the names it goes by. */
export interface Workload {
  readonly name: string;
  /** `spiffe://<trust domain>/ns/<namespace>/sa/<name>` */
  readonly spiffeId: string;
  /** `<name>.<namespace>.<trust domain>`: the first DNS name of its SVID, and its CN. At most 64 characters, unique. */
  readonly dnsName: string;
  /** The PostgreSQL role its certificate logs in as; absent: it can't log in. */
  readonly postgresRole?: string;
}

/** What a trust domain needs to know to issue a workload's SVID. */
export interface Registration {
  readonly name: string;
  readonly spiffeId: string;
  readonly dnsNames: string[];
  readonly hint?: string;
}

/** What one caller may do with one operation: fields kept from it, and the IDs that the call may have begun at. */
export interface GrantDocument {
  mask?: string[];
  origins?: Record<string, { mask?: string[] }>;
}

/** The policy's data: called service's ID, then caller's ID, then operation. Looked up by key, never scanned. */
export type GrantsDocument = Record<string, Record<string, Record<string, GrantDocument>>>;

/** Who calls whom, and with which operations: an edge of the policy, and of the network that carries it. */
export interface CallEdge {
  readonly caller: Workload;
  readonly called: Workload;
  /** As the file has them: `GET /orders` over HTTP, `/package.Service/Method` over gRPC. */
  readonly operations: readonly string[];
}

/** The checked identities and what derives from them. */
export interface Identities {
  readonly trustDomain: string;
  readonly namespace: string;
  /** Names of all workloads, in the file's order. */
  names(): string[];
  /** @throws {TypeError} when no workload has this name. */
  workload(name: string): Workload;
  /** `data.grants` of the policy bundle. */
  grants(): GrantsDocument;
  /** The calls that some grant allows, each pair once, in the file's order. */
  calls(): CallEdge[];
  /** Lines of `pg_ident.conf`: map name, CN, role. */
  pgIdentLines(mapName: string): string;
  registrations(): Registration[];
}

/** X.520 ub-common-name: the CN repeats the first DNS name, and PostgreSQL sees nothing else of a certificate. */
const maxCommonNameLength = 64;

/**
 * Reads `identities.json` and checks it, whole: a reader never gets half of a file.
 * @param file the repository's own file by default
 * @throws {IdentitiesError} `UNREADABLE`, `NOT_JSON` or `INVALID` with the field's name.
 * @example
 * const { workload } = loadIdentities();
 * workload('backend').spiffeId;
 */
export function loadIdentities(file: string | URL = defaultIdentitiesFile): Identities {
  const document = readIdentitiesFile(file);
  const workloads = new Map(Object.keys(document.workloads).map((name) => [name, deriveWorkload(document, name)]));
  checkCallees(document);
  const workload = (name: string): Workload => {
    const found = workloads.get(name);
    if (found === undefined)
      throw new TypeError(
        `identities: no workload is named ${JSON.stringify(name)}; there are ${[...workloads.keys()].join(', ')}`,
      );
    return found;
  };
  return {
    trustDomain: document.trustDomain,
    namespace: document.namespace,
    names: () => [...workloads.keys()],
    workload,
    grants: () => deriveGrants(document, workload),
    calls: () => deriveCalls(document, workload),
    pgIdentLines: (mapName) => pgIdentLines(mapName, [...workloads.values()]),
    registrations: () =>
      [...workloads.values()].map(({ name, spiffeId, dnsName }) => ({ name, spiffeId, dnsNames: [dnsName] })),
  };
}

function deriveWorkload(document: IdentitiesFile, name: string): Workload {
  const { trustDomain, namespace, workloads } = document;
  const dnsName = `${name}.${namespace}.${trustDomain}`;
  if (dnsName.length > maxCommonNameLength) {
    throw invalid(
      `workloads.${name}`,
      `its DNS name may have at most ${maxCommonNameLength} characters, got ${dnsName.length}: ${JSON.stringify(dnsName)}`,
    );
  }
  const postgresRole = workloads[name]?.postgresRole;
  return {
    name,
    spiffeId: `spiffe://${trustDomain}/ns/${namespace}/sa/${name}`,
    dnsName,
    ...(postgresRole === undefined ? {} : { postgresRole }),
  };
}

function checkCallees(document: IdentitiesFile): void {
  for (const [caller, { calls = {} }] of Object.entries(document.workloads)) {
    for (const [called, operations] of Object.entries(calls)) {
      const field = `workloads.${caller}.calls.${called}`;
      checkWorkload(document, called, field);
      if (called === caller) throw invalid(field, 'a workload does not call itself');
      for (const [operation, { origins = {} }] of Object.entries(operations))
        checkOrigins(document, origins, `${field}.${operation}.origins`);
    }
  }
}

/** Two spellings of one origin would be two entries of which one is lost: an own workload goes by its name alone. */
function checkOrigins(document: IdentitiesFile, origins: NonNullable<Grant['origins']>, field: string): void {
  for (const origin of Object.keys(origins)) {
    if (!isSpiffeId(origin)) checkWorkload(document, origin, `${field}.${origin}`);
    else if (origin.startsWith(`spiffe://${document.trustDomain}/`))
      throw invalid(`${field}.${origin}`, 'a workload of this trust domain goes by its name');
  }
}

function checkWorkload({ workloads }: IdentitiesFile, name: string, field: string): void {
  if (!Object.hasOwn(workloads, name)) throw invalid(field, `no workload is named ${JSON.stringify(name)}`);
}

function invalid(field: string, rule: string): IdentitiesError {
  return new IdentitiesError('INVALID', `identities: ${field}: ${rule}`, { field });
}

/** A workload's name has no colon: the file's schema says so. */
function isSpiffeId(origin: string): boolean {
  return origin.startsWith('spiffe://');
}

function deriveCalls(document: IdentitiesFile, workload: (name: string) => Workload): CallEdge[] {
  return Object.entries(document.workloads).flatMap(([caller, { calls = {} }]) =>
    Object.entries(calls).map(([called, operations]) => ({
      caller: workload(caller),
      called: workload(called),
      operations: Object.keys(operations),
    })),
  );
}

function deriveGrants(document: IdentitiesFile, workload: (name: string) => Workload): GrantsDocument {
  const grants: GrantsDocument = {};
  for (const [caller, { calls = {} }] of Object.entries(document.workloads)) {
    for (const [called, operations] of Object.entries(calls)) {
      const callers = grants[workload(called).spiffeId] ?? {};
      grants[workload(called).spiffeId] = callers;
      callers[workload(caller).spiffeId] = Object.fromEntries(
        Object.entries(operations).map(([operation, grant]) => [operation, deriveGrant(grant, workload)]),
      );
    }
  }
  return grants;
}

function deriveGrant(grant: Grant, workload: (name: string) => Workload): GrantDocument {
  if (grant.origins === undefined) return copyTerms(grant);
  const origins = Object.entries(grant.origins).map(([origin, terms]) => {
    return [isSpiffeId(origin) ? origin : workload(origin).spiffeId, copyTerms(terms)] as const;
  });
  return { ...copyTerms(grant), origins: Object.fromEntries(origins) };
}

function copyTerms({ mask }: GrantTerms): { mask?: string[] } {
  return mask === undefined ? {} : { mask: [...mask] };
}

function pgIdentLines(mapName: string, workloads: readonly Workload[]): string {
  if (!/^[a-z][a-z0-9_]*$/.test(mapName))
    throw new TypeError(`identities: a map's name is lower-case letters, digits and _, got ${JSON.stringify(mapName)}`);
  const lines: string[] = [];
  for (const { dnsName, postgresRole } of workloads) {
    // Quoted: PostgreSQL then takes the name literally, neither as a regular expression (a leading /) nor as a keyword.
    if (postgresRole !== undefined) lines.push(`${mapName} "${dnsName}" "${postgresRole}"\n`);
  }
  return lines.join('');
}
