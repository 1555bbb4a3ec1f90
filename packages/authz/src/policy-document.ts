/**
 * What the policy is asked, what it answers, and the grants it looks up: TypeScript's side of `policies/schemas`, the one
 * place where code and Rego meet. The schemas are checked at run time, on every question and every answer.
 */
import grantsSchema from '@countersign/policies/schemas/grants.json' with { type: 'json' };
import inputSchema from '@countersign/policies/schemas/input.json' with { type: 'json' };
import resultSchema from '@countersign/policies/schemas/result.json' with { type: 'json' };
import { quote } from '@countersign/spiffe-tls';
import { Ajv, type ValidateFunction } from 'ajv';
import { AuthzError, type AuthzErrorCode } from './errors.ts';

/** One call, as the policy sees it. */
export interface PolicyInput {
  readonly transport: 'http' | 'grpc';
  /** The matched route (`GET /orders/{id}`), the full gRPC method, or {@link UNMATCHED}. */
  readonly operation: string;
  /** The real request: method, and the path's segments, decoded once. */
  readonly http?: { readonly method: string; readonly path: readonly string[] };
  readonly grpc?: { readonly service: string; readonly method: string };
  readonly resource?: Resource;
  readonly self: { readonly spiffe_id: string };
  readonly peer: { readonly spiffe_id: string; readonly trust_domain: string; readonly path: readonly string[] };
  /** The verified caller chain, origin first; empty when the call carries none. */
  readonly chain: readonly ChainLink[];
  /** RFC 3339, UTC. */
  readonly time: string;
}

/** What a call is about, where the service knows it before the decision. */
export interface Resource {
  readonly kind: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** One hop of the verified caller chain. */
export interface ChainLink {
  readonly spiffe_id: string;
  /** What this hop called: method and real path, or the full gRPC method. */
  readonly act: string;
  readonly issued_at: string;
}

/** What the service owes before it answers. */
export interface Obligation {
  readonly kind: 'mask';
  /** Names of fields whose values this peer does not get to see. */
  readonly fields: readonly string[];
}

/** What the policy answers. */
export interface PolicyResult {
  readonly allow: boolean;
  /** Why, as a code that logs can count: `granted`, `peer-has-no-grant`. */
  readonly reason: string;
  /** Which rule decided. For logs; a peer learns it in development only. */
  readonly rule: string;
  readonly obligations: readonly Obligation[];
}

/** `data.grants`: called service, then peer, then operation, then the grant. */
export type Grants = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Grant>>>>>>;

/** What the service owes when it uses a grant; `{}`: nothing. */
export interface GrantTerms {
  /** Fields of the answer that the peer, or the origin, does not get to see. */
  readonly mask?: readonly string[];
}

/** What one peer may do with one operation. */
export interface Grant extends GrantTerms {
  /**
   * By SPIFFE ID, the workloads that the caller chain may begin at, with what is owed for each beside what is owed for the
   * peer. Present: a call without a chain is refused. Absent: the chain, if any, is not looked at.
   */
  readonly origins?: Readonly<Record<string, GrantTerms>>;
}

/** The operation of a request that is none of the service's operations. No grant can name it: the rules refuse it first. */
export const UNMATCHED = 'unmatched';

const ajv = new Ajv({ allErrors: false, strict: true });
const isInput = ajv.compile<PolicyInput>(inputSchema);
const isResult = ajv.compile<PolicyResult>(resultSchema);
const isGrants = ajv.compile<Grants>(grantsSchema);

/** @throws {AuthzError} `INPUT_INVALID` with the field that breaks the schema. */
export function parsePolicyInput(value: unknown): PolicyInput {
  return parse(value, isInput, 'INPUT_INVALID', 'policy input');
}

/** @throws {AuthzError} `RESULT_INVALID` with the field that breaks the schema. */
export function parsePolicyResult(value: unknown): PolicyResult {
  return parse(value, isResult, 'RESULT_INVALID', 'policy result');
}

/** @throws {AuthzError} `BUNDLE_INVALID` with the entry that breaks the schema. */
export function parseGrants(value: unknown): Grants {
  return parse(value, isGrants, 'BUNDLE_INVALID', 'policy grants');
}

function parse<T>(value: unknown, is: ValidateFunction<T>, code: AuthzErrorCode, what: string): T {
  if (is(value)) return value;
  const { instancePath = '', message = 'does not fit' } = is.errors?.[0] ?? {};
  throw new AuthzError(code, `${what}: ${message}, at ${quote(instancePath || '/')}`);
}
