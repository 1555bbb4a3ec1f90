/**
 * Explains one decision: asks the same bundle by the same module as a service, and says which rule decided, on what data,
 * and what would have to change for the call to be allowed, tried out on a copy of the data.
 */
import { type PolicyBundle, parsePolicyBundle } from '../bundle/policy-bundle.ts';
import { type PolicyInput, type PolicyResult, parseGrants, parsePolicyInput } from '../policy-document.ts';
import { createPolicyModule, type PolicyModule } from '../policy-module.ts';
import { applyChange } from './apply-change.ts';
import { beyondData, type DataOperation, nextStep } from './data-change.ts';
import { grantKeys, type MatchedData, matchedData } from './matched-data.ts';
import { type RuleText, ruleTextOf } from './rule-list.ts';

/** What would have to change for a refused call to be allowed. */
export type Change =
  | {
      readonly possible: true;
      /** A JSON Patch (RFC 6902) on the policy's data, tried out. */
      readonly operations: readonly DataOperation[];
      /** What to think of before making it. */
      readonly cautions: readonly string[];
      /** The decision with the change made. */
      readonly result: PolicyResult;
    }
  | { readonly possible: false; readonly why: string };

/** One decision and its reasons. */
export interface Explanation {
  /** Of the policy that was asked. */
  readonly revision: string;
  readonly input: PolicyInput;
  readonly result: PolicyResult;
  readonly rule: RuleText;
  readonly matched: readonly MatchedData[];
  /** Absent when the call is allowed. */
  readonly change?: Change;
}

/** Explains decisions of one bundle. */
export interface Explainer {
  readonly revision: string;
  /**
   * @param input what a service would ask: checked by the same schema
   * @throws {AuthzError} `INPUT_INVALID`, `POLICY_FAILED`, `RESULT_INVALID`: there is no decision to explain, a service
   * would answer that nothing was decided.
   */
  explain(input: unknown): Explanation;
}

/** From the first reason to the last: a grant that is not understood may require a chain, and that is all. */
const MAX_STEPS = 4;

/**
 * @param bundle the bytes of the bundle that decided
 * @throws {AuthzError} `BUNDLE_INVALID`.
 * @example
 * const { rule, change } = (await createExplainer(readFileSync('policies/bundle.tar.gz'))).explain(input);
 */
export async function createExplainer(bundle: Uint8Array): Promise<Explainer> {
  return explainerOf(await parsePolicyBundle(bundle));
}

/** As {@link createExplainer}, of a bundle that was parsed before. */
export function explainerOf(bundle: PolicyBundle): Explainer {
  const policy = createPolicyModule(bundle);
  return {
    revision: bundle.revision,
    explain(value) {
      const input = parsePolicyInput(value);
      const result = policy.evaluate(input);
      return {
        revision: bundle.revision,
        input,
        result,
        rule: ruleTextOf(result.rule),
        matched: matchedData(policy.grants, input),
        ...(result.allow ? {} : { change: findChange(bundle, policy, input) }),
      };
    },
  };
}

function findChange(bundle: PolicyBundle, policy: PolicyModule, input: PolicyInput): Change {
  const operations: DataOperation[] = [];
  const cautions: string[] = [];
  let [data, { allow, reason, ...rest }] = [bundle.data, policy.evaluate(input)];
  for (let count = 0; count < MAX_STEPS; count += 1) {
    const step = nextStep(reason, data.grants, input);
    if (step === undefined) return { possible: false, why: beyondData(reason) };
    operations.push(step.operation);
    if (step.caution !== undefined) cautions.push(step.caution);
    data = applyChange(data, [step.operation]);
    ({ allow, reason, ...rest } = createPolicyModule({ ...bundle, data }).evaluate(input));
    if (!allow) continue;
    const refused = refusedBySchema(data.grants, input);
    if (refused !== undefined) return { possible: false, why: refused };
    return { possible: true, operations, cautions, result: { allow, reason, ...rest } };
  }
  return { possible: false, why: `no change was found: the rules still say ${reason}` };
}

/** A bundle is refused whole for one grant that its schema does not allow: such a grant must not be suggested. */
function refusedBySchema(grants: PolicyBundle['data']['grants'], input: PolicyInput): string | undefined {
  const [self, peer, operation] = grantKeys(input);
  try {
    parseGrants({ [self]: { [peer]: { [operation]: grants[self]?.[peer]?.[operation] } } });
    return undefined;
  } catch (error) {
    return `the grant would be refused: ${error instanceof Error ? error.message : String(error)}`;
  }
}
