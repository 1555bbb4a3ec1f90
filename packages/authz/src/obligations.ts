/**
 * What a decision obliges the service to do before it answers. An obligation that can't be met stops the answer.
 */
import { quote } from '@countersign/spiffe-tls';
import { AuthzError } from './errors.ts';
import type { Decision } from './policy-engine.ts';

/** What stands in a masked field: text, so that the field keeps its type, and one that nobody takes for a value. */
export const MASKED = '[masked]';

/**
 * A copy of a document with the obligations of its decision applied; the document itself when there are none. Masked
 * fields keep their names and hold {@link MASKED}.
 * @throws {AuthzError} `OBLIGATION_FAILED` when the decision refuses, a field to mask is missing (it may go by another name,
 * and would be shown), or holds anything but text.
 * @example response.json(applyObligations(decision, order));
 */
export function applyObligations<T extends object>(decision: Pick<Decision, 'allow' | 'obligations'>, document: T): T {
  if (!decision.allow) throw failed('a refused call has no answer to apply them to');
  const fields = decision.obligations.flatMap((obligation) => obligation.fields);
  if (fields.length === 0) return document;
  for (const field of fields) {
    const value: unknown = Object.entries(document).find(([name]) => name === field)?.[1];
    if (typeof value !== 'string') throw failed(`field ${quote(field)} must be there and hold text to be masked`);
  }
  return { ...document, ...Object.fromEntries(fields.map((field) => [field, MASKED])) };
}

function failed(rule: string): AuthzError {
  return new AuthzError('OBLIGATION_FAILED', `obligations: ${rule}`);
}
