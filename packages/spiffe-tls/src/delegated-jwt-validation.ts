/**
 * JWT-SVIDs validated by the Workload API (Workload API 6.3). The standard prefers this, because validation is then updated
 * with the agent; `validateJwtSvid` is the default here, because it costs no call.
 */
import { status } from '@grpc/grpc-js';
import { refusal, SpiffeTlsError } from './errors.ts';
import type { FetchJwtSvidOptions } from './fetch-jwt-svid.ts';
import type { ValidateJWTSVIDResponse } from './gen/workload.ts';
import { SpiffeId } from './spiffe-id.ts';
import type { WorkloadApiFailure } from './workload-api-error.ts';
import { callWorkloadApi, type UnaryMethod } from './workload-api-unary.ts';
import { resolveWorkloadEndpoint } from './workload-endpoint.ts';

/** What the Workload API says of a token. */
export interface DelegatedJwtValidation {
  /** The SPIFFE ID that the Workload API says the token is of. */
  readonly id: SpiffeId;
  /** The claims that the API hands on. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Options of {@link validateJwtSvidByWorkloadApi}. */
export type DelegatedJwtValidationOptions = Omit<FetchJwtSvidOptions, 'now'> & {
  /** The name by which this service is addressed. Never empty. */
  readonly audience: string;
};

/**
 * Lets the Workload API validate a token.
 * @throws {SpiffeTlsError} `JWT_REFUSED` when the API says that the token is not valid: answer 401. `WORKLOAD_API` when it
 * could not say: answer 503. `SOURCE_CLOSED` when aborted, `INVALID_ENDPOINT`.
 * @throws {TypeError} for an empty audience.
 * @example
 * const { id } = await validateJwtSvidByWorkloadApi(token, { audience: 'spiffe://example.org/backend', env: process.env });
 */
export async function validateJwtSvidByWorkloadApi(
  token: string,
  options: DelegatedJwtValidationOptions,
): Promise<DelegatedJwtValidation> {
  if (options.audience === '') throw new TypeError('jwt-svid: audience must not be empty');
  const endpoint = resolveWorkloadEndpoint(options);
  const outcome = await callWorkloadApi(methodFor(token, options.audience), { ...options, endpoint });
  if (!outcome.ok) throw refusedOr(outcome.failure);
  const { spiffeId, claims = {} } = outcome.response;
  if (spiffeId === '') {
    throw refusal('WORKLOAD_API', 'workload api', 'answer to ValidateJWTSVID must have spiffe_id', 'none');
  }
  return { id: SpiffeId.parse(spiffeId), claims };
}

function methodFor(svid: string, audience: string): UnaryMethod<ValidateJWTSVIDResponse> {
  return {
    name: 'ValidateJWTSVID',
    start: (client, { metadata, options }, done) => client.validateJwtsvid({ audience, svid }, metadata, options, done),
  };
}

/** InvalidArgument is how an agent says that a token is not valid; every other status is about the agent. */
function refusedOr({ error }: WorkloadApiFailure): SpiffeTlsError {
  const { cause } = error;
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined;
  if (code !== status.INVALID_ARGUMENT) return error;
  const details = { expected: 'a token that the Workload API accepts', cause: error };
  return new SpiffeTlsError('JWT_REFUSED', `jwt-svid: ${error.message}`, details);
}
