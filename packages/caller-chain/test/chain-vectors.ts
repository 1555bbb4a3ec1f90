/**
 * The form of the test vectors in `vectors/`, and a reader of them. Each file stands for itself: whoever writes another
 * implementation needs them and the specification alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CallerChainErrorCode } from '../src/index.ts';

/** Where the files are. */
export const vectorsFolder = fileURLToPath(new URL('../vectors/', import.meta.url));

/** What a verifier has been told, in full, so that no default matters. */
export interface VectorOptions {
  readonly maxLinks: number;
  readonly maxBytes: number;
  readonly leewayMs: number;
  readonly maxLifeMs: number;
  readonly maxReplayEntries: number;
}

/** Trust domain to its CA certificates: DER in base64. */
export type VectorBundles = Readonly<Record<string, readonly string[]>>;

/** What has to come of a step. */
export type VectorOutcome =
  | {
      readonly origin: string;
      readonly txn: string;
      readonly links: readonly { readonly iss: string; readonly aud: string; readonly act: string }[];
    }
  | { readonly code: CallerChainErrorCode /** Number in the specification's table. */; readonly rule: number };

/** One request. All steps of a vector are sent to one verifier, in order. */
export interface VectorStep {
  /** RFC 3339, with milliseconds. */
  readonly time: string;
  /** From this step on, in place of those before. */
  readonly bundles?: VectorBundles;
  /** Every value of each header: a header may be missing, or sent twice. */
  readonly headers: { readonly 'caller-chain': readonly string[]; readonly 'caller-chain-certs': readonly string[] };
  readonly call: {
    readonly peer: string;
    readonly self: string;
    readonly act: string;
    readonly bodyDigest?: string;
  };
  readonly expected: VectorOutcome;
}

/** A verifier, what it is sent, and what it has to make of that. */
export interface ChainVector {
  readonly name: string;
  readonly options: VectorOptions;
  readonly bundles: VectorBundles;
  readonly steps: readonly VectorStep[];
}

/** One file. */
export interface VectorFile {
  readonly description: string;
  readonly version: 1;
  readonly vectors: readonly ChainVector[];
}

/** All vectors, with the file that each is in. */
export function readVectors(): readonly { readonly file: string; readonly vector: ChainVector }[] {
  const files = readdirSync(vectorsFolder).filter((name) => name.endsWith('.json'));
  return files.sort().flatMap((file) => {
    const { version, vectors } = JSON.parse(readFileSync(`${vectorsFolder}${file}`, 'utf8')) as VectorFile;
    if (version !== 1 || !Array.isArray(vectors)) throw new TypeError(`${file} is no file of vectors`);
    return vectors.map((vector) => ({ file, vector }));
  });
}
