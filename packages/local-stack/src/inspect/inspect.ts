/**
 * `npm run inspect -- <service | PEM file | unix:///socket>`: whose certificate it is, for how long, and by whom.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeSvid, type SvidDescription } from '@countersign/service-kit';
import { type ParsedCertificate, parseCertificate, parsePem, SpiffeId } from '@countersign/spiffe-tls';
import { LocalStackError, messageOf, systemErrorCode } from '../errors.ts';
import { stateDirectoryFromEnv } from '../settings.ts';
import { findRunningSystem } from '../system-file.ts';
import { openWorkloadSocket } from '../workload-socket.ts';
import { fetchWorkloadIdentity } from './workload-identity.ts';

/** What the program is run with. */
export interface InspectContext {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  print(text: string): void;
  printError(text: string): void;
}

const usage = `usage: npm run inspect -- [--json] <what>
  <what> is a workload of the running system (backend), a PEM file, or a Workload API socket (unix:///path)`;

/** A public key of a JWT bundle, as people look for it: `kid` is what a token's header names. */
export interface JwtKeyDescription {
  readonly trust_domain: string;
  readonly kid: string;
  /** `EC P-256`, `RSA 2048`. */
  readonly kind: string;
  /** SHA-256 over the key in DER (SubjectPublicKeyInfo), hexadecimal. */
  readonly sha256_fingerprint: string;
}

/** What is printed: of a Workload API the JWT bundles too. */
export interface InspectDocument extends SvidDescription {
  readonly jwt_keys?: readonly JwtKeyDescription[];
}

/** @returns exit code: 0 shown, 1 nothing to show, 2 wrong use */
export async function runInspect({ args, env, print, printError }: InspectContext): Promise<number> {
  const parsed = parse(args);
  if (parsed === undefined) {
    printError(usage);
    return 2;
  }
  try {
    const document = await describe(parsed.what, env);
    print(parsed.json ? JSON.stringify(document, undefined, 2) : asTable(document));
    return 0;
  } catch (error) {
    printError(
      `inspect: ${messageOf(error)}${error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''}`,
    );
    return 1;
  }
}

function parse(args: readonly string[]): { what: string; json: boolean } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [what, ...rest] = positionals;
    return what === undefined || rest.length > 0 ? undefined : { what, json: values.json };
  } catch {
    return undefined;
  }
}

async function describe(what: string, env: NodeJS.ProcessEnv): Promise<InspectDocument> {
  if (what.startsWith('unix:')) return await describeSocket(what);
  const pem = readIfFile(what);
  if (pem !== undefined) return describePem(pem, what);
  const system = findRunningSystem(stateDirectoryFromEnv(env));
  if (system.sockets[what] === undefined) {
    throw new LocalStackError(
      'NOT_RUNNING',
      `${JSON.stringify(what)} is no file, and the running system has no such workload; it has ${Object.keys(system.sockets).join(', ')}`,
    );
  }
  await using socket = await openWorkloadSocket(system, what);
  return await describeSocket(socket.endpoint);
}

async function describeSocket(endpoint: string): Promise<InspectDocument> {
  const { svid, jwtKeys } = await fetchWorkloadIdentity(endpoint);
  const keys = jwtKeys.map(({ trustDomain, kid, kind, sha256Fingerprint }) => ({
    trust_domain: trustDomain,
    kid,
    kind,
    sha256_fingerprint: sha256Fingerprint,
  }));
  return { ...describeSvid(svid), jwt_keys: keys };
}

/** The first certificate of the file is the leaf; keys in it are not looked at. */
function describePem(text: string, file: string): SvidDescription {
  const chain = parsePem(text)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ der }) => parseCertificate(der));
  const [leaf] = chain;
  if (leaf === undefined) throw new TypeError(`${file} holds no certificate`);
  return describeSvid({ id: idOf(leaf, file), leaf, chain });
}

function idOf({ uriSans }: ParsedCertificate, file: string): SpiffeId {
  const [uri] = uriSans;
  if (uri === undefined || uriSans.length > 1)
    throw new TypeError(
      `the first certificate of ${file} is no X.509-SVID: it must have exactly one URI SAN, got ${uriSans.length}`,
    );
  return SpiffeId.parse(uri);
}

function readIfFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

function asTable({ jwt_keys: keys = [], ...svid }: InspectDocument): string {
  const rows = Object.entries(svid).map(([name, value]): [string, string] => [
    name,
    Array.isArray(value) ? value.join(', ') : String(value),
  ]);
  for (const key of keys) {
    rows.push(['jwt_key', `${key.kid}  ${key.kind}  ${key.sha256_fingerprint}  of ${key.trust_domain}`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
