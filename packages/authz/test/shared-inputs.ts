/**
 * The inputs that everything which decides is asked: `policies/inputs`. The Rego tests read the same files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readArchive } from '../src/bundle/bundle-archive.ts';
import { type PolicyBundle, parsePolicyBundle } from '../src/bundle/policy-bundle.ts';
import {
  type Grants,
  type PolicyInput,
  type PolicyResult,
  parseGrants,
  parsePolicyInput,
} from '../src/policy-document.ts';
import { committedBundle } from './bundles.ts';

/** One case, with the bundle of its file's grants. */
export interface SharedCase {
  readonly name: string;
  /** Need not fit the schema: see {@link SharedCase.fits}. */
  readonly input: PolicyInput;
  readonly expected: PolicyResult;
  readonly bundle: PolicyBundle;
  /** Whether a service can ask this of a bundle that it loaded: input and grants fit their schemas. */
  readonly fits: boolean;
}

interface InputsFile {
  readonly grants: Grants;
  readonly cases: readonly { name: string; input: PolicyInput; expected: PolicyResult }[];
}

const folder = new URL('../../../policies/inputs/', import.meta.url);
const committed = await parsePolicyBundle(readFileSync(committedBundle));

/** All cases of all files. */
export const sharedCases: readonly SharedCase[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => casesOf(file, JSON.parse(readFileSync(new URL(file, folder), 'utf8'))));

/** The committed module as bytes, to be asked what no service may ask. */
export async function committedWasm(): Promise<Uint8Array> {
  return (await readArchive(readFileSync(committedBundle))).get('policy.wasm') ?? new Uint8Array();
}

function casesOf(file: string, { grants, cases }: InputsFile): SharedCase[] {
  const bundle = { ...committed, data: { grants } };
  const grantsFit = isAccepted(() => parseGrants(grants));
  return cases.map(({ name, input, expected }) => {
    const fits = grantsFit && isAccepted(() => parsePolicyInput(input));
    return { name: `${file}: ${name}`, input, expected, bundle, fits };
  });
}

function isAccepted(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
