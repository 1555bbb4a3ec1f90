/** Label selectors, as the API server reads them: everything that is given must hold, and what is empty selects all. */

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** What `matchExpressions` knows. */
export type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

/** One of `matchExpressions`. */
export interface Expression {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** Whether it is one that the API server knows. */
export function isOperator(text: unknown): text is Operator {
  return text === 'In' || text === 'NotIn' || text === 'Exists' || text === 'DoesNotExist';
}

/** Whether all of these are among the labels. */
export function hasLabels(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Whether the labels are as the expression says. As the API defines it, `NotIn` also selects what has no such label. */
export function holds({ key, operator, values }: Expression, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
