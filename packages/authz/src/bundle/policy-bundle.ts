/**
 * An OPA bundle that was compiled to WASM: signature, manifest, module and data, checked before any of it is used.
 */
import { quote } from '@countersign/spiffe-tls';
import { invalidBundle } from '../errors.ts';
import { type Grants, parseGrants } from '../policy-document.ts';
import { type ArchiveLimits, readArchive } from './bundle-archive.ts';
import { mergeData, type PolicyData, parseJsonFile } from './data.ts';
import { assertWithinRoots, type Manifest, parseManifest } from './manifest.ts';
import { type BundleVerifier, SIGNATURES_FILE } from './signature.ts';

/** A bundle whose parts were checked. */
export interface PolicyBundle {
  /** The manifest's revision: a hash of the sources, so that a decision names the rules and data it was made by. */
  readonly revision: string;
  readonly module: WebAssembly.Module;
  /** All of `data`, as the module takes it. */
  readonly data: { readonly grants: Grants } & PolicyData;
  /** Size of the data's files: how much memory the module's instance begins with depends on it. */
  readonly dataBytes: number;
  /** What of `data` the bundle may fill. */
  readonly roots: Manifest['roots'];
  /** Whether it carries a signature, verified or not: then nothing replaces its data. */
  readonly signed: boolean;
}

/** How a bundle is read. */
export interface BundleOptions extends ArchiveLimits {
  /** Checks the signature. Without one a signature is not looked at. */
  readonly verifier?: BundleVerifier | undefined;
}

/** Data in place of a bundle's own. */
export interface DataFiles {
  /** Parsed contents by name, `grants/data.json`. */
  readonly files: ReadonlyMap<string, unknown>;
  readonly bytes: number;
  /** Names this data in the revision. */
  readonly hash: string;
}

/**
 * Reads a bundle as `opa build -t wasm` writes it.
 * @throws {AuthzError} `BUNDLE_INVALID` when the archive is refused, a part is missing or malformed, data is outside of the
 * roots, or the module does not compile; `BUNDLE_SIGNATURE` from the verifier.
 */
export async function parsePolicyBundle(bytes: Uint8Array, options: BundleOptions = {}): Promise<PolicyBundle> {
  const files = await readArchive(bytes, options);
  options.verifier?.(files);
  refuseUnsupported(files);
  const manifest = parseManifest(parseJsonFile('.manifest', fileOf(files, '.manifest')));
  const documents = [...files].filter(([name]) => baseName(name) === 'data.json');
  if (documents.length === 0) throw invalidBundle('must hold "data.json", at the top or in a folder');
  const contents = new Map(documents.map(([name, content]) => [name, parseJsonFile(name, content)]));
  return {
    revision: manifest.revision,
    roots: manifest.roots,
    data: checkData(mergeData(contents), manifest.roots),
    dataBytes: documents.reduce((sum, [, content]) => sum + content.byteLength, 0),
    module: await compile(fileOf(files, manifest.module)),
    signed: files.has(SIGNATURES_FILE),
  };
}

/**
 * The same rules over other data. The module is the same, so nothing is compiled.
 * @throws {AuthzError} `BUNDLE_INVALID` when the data breaks the bundle's roots or the schema of grants.
 */
export function withData(bundle: PolicyBundle, { files, bytes, hash }: DataFiles): PolicyBundle {
  const data = checkData(mergeData(files), bundle.roots);
  return { ...bundle, data, dataBytes: bytes, revision: `${bundle.revision}+data.${hash.slice(0, 16)}` };
}

function checkData(data: PolicyData, roots: Manifest['roots']): PolicyBundle['data'] {
  assertWithinRoots(data, roots);
  const { grants } = data;
  return { ...data, grants: parseGrants(grants) };
}

/** Parts of OPA's format that would change what is decided if they were passed over. */
function refuseUnsupported(files: ReadonlyMap<string, Uint8Array>): void {
  for (const name of files.keys()) {
    const base = baseName(name);
    if (base === 'data.yaml' || base === 'data.yml')
      throw invalidBundle(`data must be JSON, got ${quote(name)}: opa build writes it so`);
    if (name === 'patch.json') throw invalidBundle('must be a snapshot, got a delta bundle ("patch.json")');
  }
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const content = files.get(name);
  if (content === undefined) throw invalidBundle(`must hold ${quote(name)}`);
  return content;
}

async function compile(bytes: Uint8Array): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(new Uint8Array(bytes));
  } catch (cause) {
    throw invalidBundle('the module must be valid WebAssembly', cause);
  }
}
