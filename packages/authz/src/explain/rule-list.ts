/**
 * What the rules say of themselves: title and description by the code that a decision names, generated from their METADATA.
 */
import ruleList from '@countersign/policies/rule-list.json' with { type: 'json' };

/** A rule that a decision names. */
export interface RuleText {
  /** The condition, as a sentence; a refusal says that it does not hold. */
  readonly title: string;
  readonly description?: string;
}

const rules: Readonly<Record<string, RuleText>> = ruleList;

/** The rule of a decision; a bundle of other rules may name one that is not known here. */
export function ruleTextOf(rule: string): RuleText {
  const known = Object.hasOwn(rules, rule) ? rules[rule] : undefined;
  return known ?? { title: `a rule that these sources don't have: ${rule}` };
}
