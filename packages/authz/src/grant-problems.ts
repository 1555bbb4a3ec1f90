/**
 * Everything that the schema of grants says against a document, for people who edit one. What decides whether a policy is
 * loaded is `parseGrants`, which stops at the first.
 */
import grantsSchema from '@countersign/policies/schemas/grants.json' with { type: 'json' };
import { quote } from '@countersign/spiffe-tls';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { pointer } from './explain/matched-data.ts';

/** One rule that a document of grants breaks. */
export interface GrantProblem {
  /** JSON pointer (RFC 6901), empty for the whole document. */
  readonly at: string;
  readonly message: string;
}

/** Made at the first use: services never need it. */
let validate: ValidateFunction | undefined;

/**
 * @returns none when `parseGrants` would take the document
 * @example findGrantProblems({ 'spiffe://example.org/callee': { someone: {} } });
 */
export function findGrantProblems(grants: unknown): readonly GrantProblem[] {
  validate ??= new Ajv({ allErrors: true, strict: true, verbose: true }).compile(grantsSchema);
  if (validate(grants)) return [];
  // A wrong name is an error of the name's own rule and one of `propertyNames`: the second says nothing more.
  return (validate.errors ?? []).filter(({ keyword }) => keyword !== 'propertyNames').map(problemOf);
}

function problemOf(error: ErrorObject): GrantProblem {
  const { instancePath: at, message = 'does not fit', propertyName, params, parentSchema } = error;
  if (propertyName !== undefined) {
    const description: unknown = parentSchema?.['description'];
    const rule = typeof description === 'string' ? `must be ${description}` : message;
    return { at: at + pointer([propertyName]), message: `${rule}, got ${quote(propertyName)}` };
  }
  const unknown: unknown = error.keyword === 'additionalProperties' ? params['additionalProperty'] : undefined;
  if (typeof unknown === 'string')
    return { at: at + pointer([unknown]), message: `no part of a grant is called ${quote(unknown)}` };
  return { at, message };
}
