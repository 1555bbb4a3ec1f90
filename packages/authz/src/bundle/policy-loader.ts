/**
 * Puts bundle and data together: the last good of each. A new one of either is tried with the other, and becomes the last
 * good only when the policy made of both answered its smoke queries.
 */
import { createPolicyModule, type PolicyModule } from '../policy-module.ts';
import { type BundleOptions, type DataFiles, type PolicyBundle, parsePolicyBundle, withData } from './policy-bundle.ts';
import { canonicalJson } from './structured-hash.ts';

/** Makes policies. Not to be used twice at once. */
export class PolicyLoader {
  readonly #options: BundleOptions;
  #bundle: PolicyBundle | undefined;
  #data: DataFiles | undefined;

  constructor(options: BundleOptions) {
    this.#options = options;
  }

  /** @throws {AuthzError} when the bundle is refused, by itself or with the folder's data. */
  async bundle(bytes: Uint8Array): Promise<PolicyModule> {
    const bundle = await parsePolicyBundle(bytes, this.#options);
    const policy = createPolicyModule(combine(bundle, this.#data));
    this.#bundle = bundle;
    return policy;
  }

  /**
   * `undefined` when nothing changes by it: it is the data in use, there is no bundle yet, or the bundle is signed, and then
   * its data is never replaced.
   * @throws {AuthzError} when the data is refused
   */
  data(data: DataFiles): PolicyModule | undefined {
    const bundle = this.#bundle;
    if (bundle === undefined || bundle.signed || data.hash === this.#data?.hash) return undefined;
    const policy = createPolicyModule(combine(bundle, data));
    this.#data = data;
    return policy;
  }
}

function combine(bundle: PolicyBundle, data: DataFiles | undefined): PolicyBundle {
  if (data === undefined || bundle.signed) return bundle;
  const combined = withData(bundle, data);
  // The same data is the same policy, and keeps its name.
  return sameJson(combined.data, bundle.data) ? bundle : combined;
}

function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(JSON.stringify(a)) === canonicalJson(JSON.stringify(b));
}
