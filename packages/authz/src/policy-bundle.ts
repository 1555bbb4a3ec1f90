/**
 * An OPA bundle that was compiled to WASM: manifest, module and data, checked before any of it is used.
 */

import { quote } from '@countersign/spiffe-tls';
import { Ajv } from 'ajv';
import { type ArchiveLimits, readArchive } from './bundle-archive.ts';
import { AuthzError } from './errors.ts';
import { type Grants, parseGrants } from './policy-document.ts';

/** The document that services ask for, and the entrypoint that the bundle must be compiled for. */
export const ENTRYPOINT = 'countersign/authz/decision';

/** A bundle whose parts were checked. */
export interface PolicyBundle {
  /** The manifest's revision: a hash of the sources, so that a decision names the rules and data it was made by. */
  readonly revision: string;
  readonly module: WebAssembly.Module;
  /** All of `data`, as the module takes it. */
  readonly data: { readonly grants: Grants } & Readonly<Record<string, unknown>>;
  /** Size of `data.json`: how much memory the module's instance begins with depends on it. */
  readonly dataBytes: number;
}

interface Manifest {
  readonly revision: string;
  readonly wasm: readonly { readonly entrypoint: string; readonly module: string }[];
}

const isManifest = new Ajv({ strict: true }).compile<Manifest>({
  type: 'object',
  required: ['revision', 'wasm'],
  properties: {
    revision: { type: 'string', minLength: 1 },
    wasm: {
      type: 'array',
      items: {
        type: 'object',
        required: ['entrypoint', 'module'],
        properties: { entrypoint: { type: 'string' }, module: { type: 'string' } },
      },
    },
  },
});

/**
 * Reads a bundle as `opa build -t wasm` writes it.
 * @throws {AuthzError} `BUNDLE_INVALID` when the archive is refused, a part is missing or malformed, or the module does not
 * compile.
 */
export async function parsePolicyBundle(bytes: Uint8Array, limits: ArchiveLimits = {}): Promise<PolicyBundle> {
  const files = await readArchive(bytes, limits);
  const manifest = parseJson(files, '.manifest');
  if (!isManifest(manifest)) {
    const { instancePath = '', message = 'does not fit' } = isManifest.errors?.[0] ?? {};
    throw invalid(`manifest: ${message}, at ${quote(instancePath || '/')}`);
  }
  const data = parseJson(files, 'data.json');
  if (!isRecord(data)) throw invalid('data.json must be an object');
  const { grants } = data;
  return {
    revision: manifest.revision,
    module: await compile(fileOf(files, modulePath(manifest))),
    data: { ...data, grants: parseGrants(grants) },
    dataBytes: fileOf(files, 'data.json').byteLength,
  };
}

function modulePath(manifest: Manifest): string {
  const entry = manifest.wasm.find(({ entrypoint }) => entrypoint === ENTRYPOINT);
  if (entry === undefined) {
    const got = manifest.wasm.map(({ entrypoint }) => quote(entrypoint)).join(', ') || 'none';
    throw invalid(`manifest must name a module for ${quote(ENTRYPOINT)}, got ${got}`);
  }
  return entry.module.replace(/^\/+/, '');
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const content = files.get(name);
  if (content === undefined) throw invalid(`must hold ${quote(name)}`);
  return content;
}

function parseJson(files: ReadonlyMap<string, Uint8Array>, name: string): unknown {
  const bytes = fileOf(files, name);
  try {
    // `fatal`: bytes that are no UTF-8 must not become look-alike names.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(`${name} must be JSON in UTF-8`, cause);
  }
}

async function compile(bytes: Uint8Array): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(new Uint8Array(bytes));
  } catch (cause) {
    throw invalid('the module must be valid WebAssembly', cause);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(rule: string, cause?: unknown): AuthzError {
  return new AuthzError('BUNDLE_INVALID', `policy bundle: ${rule}`, cause === undefined ? {} : { cause });
}
