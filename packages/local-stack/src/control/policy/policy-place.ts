/**
 * Where the grants lie that the services of this system follow, and by which bundle they decide: what `policyEnv` of the
 * services' definitions and the variables of whoever started the system come to.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../errors.ts';

/** Files that the policy comes from. */
export interface PolicyPlace {
  /** The folder that stands in for the bundle's data. */
  readonly folder: string;
  /** The file in it that has the grants. */
  readonly grants: string;
  /** The compiled bundle. */
  readonly bundle: string;
}

/** A place, or in one sentence why the grants can't be changed. */
export type PlaceFound = { readonly place: PolicyPlace } | { readonly why: string };

const grantsFile = join('grants', 'data.json');

/** @param env as the system was started with */
export function policyPlaceOf(env: NodeJS.ProcessEnv): PlaceFound {
  const { POLICY_DATA: data = '', POLICY_BUNDLE: bundle = '', POLICY_BUNDLE_URL: url = '' } = env;
  if (url !== '') return { why: 'The policy comes from a bundle server (POLICY_BUNDLE_URL): it is changed there.' };
  // Whoever names a policy of their own gets that one, as it is.
  const chosen = Object.keys(env).some((name) => name.startsWith('POLICY_'));
  if (chosen && data === '')
    return { why: 'A policy of its own was chosen (POLICY_*) without a folder of data: set POLICY_DATA to one.' };
  const folder = data === '' ? fromRoot('policies/data') : data;
  const found = bundle === '' ? fromRoot('policies/bundle.tar.gz') : bundle;
  return { place: { folder, grants: join(folder, grantsFile), bundle: found } };
}

/** Why the file with the grants can't be changed, in one sentence; `undefined` when it can. */
export async function whyNotWritable({ grants }: PolicyPlace): Promise<string | undefined> {
  try {
    await access(grants, constants.R_OK | constants.W_OK);
    // It is replaced, not written to.
    await access(dirname(grants), constants.W_OK);
    return undefined;
  } catch (error) {
    return `The grants can't be changed: ${messageOf(error)}.`;
  }
}

function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../../../../../${path}`, import.meta.url));
}
