/**
 * The manifest of an OPA bundle: revision, the parts of `data` that it owns, and which module answers what. Read as OPA
 * reads it; what only Rego's own evaluator needs is ignored.
 */
import { quote } from '@countersign/spiffe-tls';
import { Ajv } from 'ajv';
import { invalidBundle } from '../errors.ts';

/** The document that services ask for, and the entrypoint that the bundle must be compiled for. */
export const ENTRYPOINT = 'countersign/authz/decision';

/** A manifest whose parts were checked. */
export interface Manifest {
  /** A hash of the sources, so that a decision names the rules and data it was made by. */
  readonly revision: string;
  /** Paths into `data` that the bundle may fill, as segments. `[[]]` is all of it. */
  readonly roots: readonly (readonly string[])[];
  /** Name of the file with the module that answers {@link ENTRYPOINT}. */
  readonly module: string;
}

interface ManifestDocument {
  readonly revision: string;
  readonly roots?: readonly string[];
  readonly wasm: readonly { readonly entrypoint: string; readonly module: string }[];
  readonly rego_version?: number;
}

const isManifest = new Ajv({ strict: true }).compile<ManifestDocument>({
  type: 'object',
  required: ['revision', 'wasm'],
  properties: {
    revision: { type: 'string', minLength: 1, maxLength: 1024 },
    roots: { type: 'array', maxItems: 1024, items: { type: 'string' } },
    rego_version: { type: 'integer', enum: [0, 1] },
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
 * @throws {AuthzError} `BUNDLE_INVALID` when it breaks the schema, roots overlap, or no or more than one module answers the
 * entrypoint, or one that the roots do not cover.
 */
export function parseManifest(document: unknown): Manifest {
  if (!isManifest(document)) {
    const { instancePath = '', message = 'does not fit' } = isManifest.errors?.[0] ?? {};
    throw invalidBundle(`manifest: ${message}, at ${quote(instancePath || '/')}`);
  }
  const roots = (document.roots ?? ['']).map(segmentsOf);
  refuseOverlap(roots);
  return { revision: document.revision, roots, module: moduleOf(document, roots) };
}

/**
 * Checks that data stays within the roots, as OPA does: a path is fine when a root covers it, and is gone into when a root
 * lies below it.
 * @throws {AuthzError} `BUNDLE_INVALID` with the path that no root covers.
 */
export function assertWithinRoots(data: Readonly<Record<string, unknown>>, roots: Manifest['roots']): void {
  visit(data, []);

  function visit(node: unknown, path: readonly string[]): void {
    if (roots.some((root) => covers(root, path))) return;
    const below = path.length === 0 || roots.some((root) => covers(path, root));
    if (!below || typeof node !== 'object' || node === null || Array.isArray(node)) {
      const names = roots.map((root) => quote(root.join('/'))).join(', ');
      throw invalidBundle(`data at ${quote(`/${path.join('/')}`)} must be within the roots ${names || '(none)'}`);
    }
    for (const [key, value] of Object.entries(node)) visit(value, [...path, key]);
  }
}

function moduleOf({ wasm }: ManifestDocument, roots: Manifest['roots']): string {
  const entries = wasm.filter(({ entrypoint }) => entrypoint === ENTRYPOINT);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    const got = wasm.map(({ entrypoint }) => quote(entrypoint)).join(', ') || 'none';
    throw invalidBundle(`manifest must name a module for ${quote(ENTRYPOINT)} once, got ${got}`);
  }
  if (!roots.some((root) => covers(root, segmentsOf(ENTRYPOINT))))
    throw invalidBundle(`the roots must cover the entrypoint ${quote(ENTRYPOINT)}`);
  return entry.module.replace(/^\/+/, '');
}

/** Two owners of one path: which of them wins would depend on who reads. */
function refuseOverlap(roots: Manifest['roots']): void {
  roots.forEach((root, index) => {
    const other = roots.find((candidate, at) => at !== index && covers(candidate, root));
    if (other !== undefined)
      throw invalidBundle(`roots must not overlap, got ${quote(other.join('/'))} and ${quote(root.join('/'))}`);
  });
}

function covers(root: readonly string[], path: readonly string[]): boolean {
  return root.length <= path.length && root.every((segment, index) => segment === path[index]);
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}
