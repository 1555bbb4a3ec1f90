/**
 * The shape of `identities.json`: read, parse, check by JSON Schema, and name the field that is wrong.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { IdentitiesError } from './errors.ts';
import schema from './identities.schema.json' with { type: 'json' };

/** What limits the answer. */
export interface GrantTerms {
  /** Fields of the answer that the caller, or the origin, does not get to see. */
  readonly mask?: readonly string[];
}

/** What a caller may do with one operation. */
export interface Grant extends GrantTerms {
  /** Workload names or SPIFFE IDs that the call may have begun at; present: the call must carry a caller chain. */
  readonly origins?: Readonly<Record<string, GrantTerms>>;
}

/** One workload as the file has it. */
export interface WorkloadEntry {
  readonly postgresRole?: string;
  /** Called workload, then operation, then the grant. */
  readonly calls?: Readonly<Record<string, Readonly<Record<string, Grant>>>>;
}

/** The file as it stands on disk, its fields checked one by one. */
export interface IdentitiesFile {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly workloads: Readonly<Record<string, WorkloadEntry>>;
}

/** Where the repository keeps the file. */
export const defaultIdentitiesFile: URL = new URL('../../../identities.json', import.meta.url);

const validate = new Ajv2020({ allErrors: false, strict: true }).compile<IdentitiesFile>(schema);

/**
 * Reads and checks the file's shape; rules that span fields are {@link loadIdentities}'s.
 * @throws {IdentitiesError} `UNREADABLE`, `NOT_JSON` or `INVALID`.
 */
export function readIdentitiesFile(file: string | URL): IdentitiesFile {
  return checkShape(parseJson(readText(file), file), file);
}

function readText(file: string | URL): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new IdentitiesError('UNREADABLE', `identities: ${file} can't be read: ${messageOf(cause)}`, { cause });
  }
}

function parseJson(text: string, file: string | URL): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new IdentitiesError('NOT_JSON', `identities: ${file} is not JSON: ${messageOf(cause)}`, { cause });
  }
}

function checkShape(document: unknown, file: string | URL): IdentitiesFile {
  if (validate(document)) return document;
  // A bad key gives two errors: what is wrong with the name, then "property name must be valid". The first one says more.
  const [error] = validate.errors ?? [];
  if (error === undefined) throw new IdentitiesError('INVALID', `identities: ${file} does not match its schema`);
  const field = fieldOf(error);
  throw new IdentitiesError(
    'INVALID',
    `identities: ${file}: ${field === '' ? 'the file' : field} ${error.message ?? 'is invalid'}`,
    { field },
  );
}

function fieldOf(error: ErrorObject): string {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const { missingProperty, additionalProperty }: Readonly<Record<string, unknown>> = error.params;
  const key = error.propertyName ?? missingProperty ?? additionalProperty;
  return (typeof key === 'string' ? [...path, key] : path).join('.');
}

/** RFC 6901: `~1` is a slash and `~0` a tilde, in this order. */
function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
