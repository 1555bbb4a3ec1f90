/** Label selectors of manifests, read from what is written there. */
import { hasLabels, holds, isOperator, type Labels } from '../cluster/label-selectors.ts';
import { isObject, type Json, listAt, textAt, textListAt, textsAt } from './json.ts';

/** Whether a selector of `matchLabels` and `matchExpressions` takes these labels. No selector takes nothing. */
export function selects(selector: Json | undefined, labels: Labels): boolean {
  if (!isObject(selector)) return false;
  const expressions = listAt(selector, 'matchExpressions');
  return hasLabels(textsAt(selector, 'matchLabels'), labels) && expressions.every((it) => isMet(it, labels));
}

/** One that nobody knows is met by nothing. */
function isMet(expression: Json, labels: Labels): boolean {
  const operator = textAt(expression, 'operator');
  const [key, values] = [textAt(expression, 'key') ?? '', textListAt(expression, 'values')];
  return isOperator(operator) && holds({ key, operator, values }, labels);
}
