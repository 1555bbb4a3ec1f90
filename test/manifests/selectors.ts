/** Label selectors, as the API server reads them: everything that is given must hold, and what is empty selects all. */
import { isObject, type Json, listAt, textAt, textListAt, textsAt } from './json.ts';

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** Whether a selector of `matchLabels` and `matchExpressions` takes these labels. No selector takes nothing. */
export function selects(selector: Json | undefined, labels: Labels): boolean {
  if (!isObject(selector)) return false;
  return (
    hasLabels(textsAt(selector, 'matchLabels'), labels) &&
    listAt(selector, 'matchExpressions').every((expression) => holds(expression, labels))
  );
}

/** Whether all of these are among the labels. */
export function hasLabels(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

function holds(expression: Json, labels: Labels): boolean {
  const value = labels[textAt(expression, 'key') ?? ''];
  const values = textListAt(expression, 'values');
  switch (textAt(expression, 'operator')) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
