/**
 * The calls of the JWT-SVID profile that answer once: FetchJWTSVID and ValidateJWTSVID (SPIFFE Workload API section 6).
 */
import { quote, SpiffeId, SpiffeTlsError } from '@countersign/spiffe-tls';
import type {
  JWTSVIDRequest,
  JWTSVIDResponse,
  ValidateJWTSVIDRequest,
  ValidateJWTSVIDResponse,
} from '@countersign/spiffe-tls/workload-api-proto';
import { type handleUnaryCall, type StatusObject, status } from '@grpc/grpc-js';
import { DevTrustDomainError } from './errors.ts';
import { validateJwtSvid } from './validate-jwt-svid.ts';
import type { Workload, WorkloadState } from './workload.ts';

/** What the calls need. */
export interface JwtHandlersOptions {
  readonly workload: Workload;
  /** Signs a token. */
  readonly issueJwt: (spiffeId: string, audience: readonly string[]) => Promise<string>;
  readonly now: () => number;
}

type RegisteredState = Extract<WorkloadState, { type: 'registered' }>;

/** Why a call without an identity is refused; streams end with it too. */
const NOT_REGISTERED: Partial<StatusObject> = { code: status.PERMISSION_DENIED, details: 'no identity issued' };
/** How calls end while the trust domain stops. */
export const CLOSING: Partial<StatusObject> = { code: status.UNAVAILABLE, details: 'the trust domain is stopping' };

/** How calls end that come before the first SVID: it will be there in a moment, so the client asks again. */
const STARTING: Partial<StatusObject> = { code: status.UNAVAILABLE, details: 'the trust domain is starting' };

/** Why a state without identities gives nothing. */
export function statusOf({ type }: Exclude<WorkloadState, { type: 'registered' }>): Partial<StatusObject> {
  switch (type) {
    case 'starting':
      return STARTING;
    case 'unregistered':
      return NOT_REGISTERED;
    case 'closing':
      return CLOSING;
  }
}

/** A refusal on its way to the caller. */
class Refusal extends Error {
  readonly status: Partial<StatusObject>;

  constructor(refusal: Partial<StatusObject>) {
    super(refusal.details);
    this.status = refusal;
  }
}

/** FetchJWTSVID: a token for the identity that is named, or one for each. */
export function fetchJwtSvidOf(options: JwtHandlersOptions): handleUnaryCall<JWTSVIDRequest, JWTSVIDResponse> {
  return unaryOf(options, async ({ audience, spiffeId }, { identities }) => {
    if (audience.length === 0 || audience.includes('')) throw invalidArgument('audience must be specified');
    if (spiffeId !== '') checkSpiffeId(spiffeId);
    const wanted = identities.filter(({ registration }) => spiffeId === '' || registration.spiffeId === spiffeId);
    // SPIFFE: an identity of another workload is not given, whoever asks (Workload API section 6.2.1).
    if (wanted.length === 0)
      throw new Refusal({ code: status.PERMISSION_DENIED, details: 'the workload is not entitled to this SPIFFE ID' });
    const svids = wanted.map(async ({ registration: { spiffeId: id, hint = '' } }) => ({
      spiffeId: id,
      svid: await options.issueJwt(id, audience),
      hint,
    }));
    return { svids: await Promise.all(svids) };
  });
}

/** ValidateJWTSVID: by the own bundle and the federated ones that the workload gets. */
export function validateJwtSvidOf(
  options: JwtHandlersOptions,
): handleUnaryCall<ValidateJWTSVIDRequest, ValidateJWTSVIDResponse> {
  return unaryOf(options, async ({ audience, svid }, { bundles }) => {
    if (audience === '') throw invalidArgument('audience must be specified');
    if (svid === '') throw invalidArgument('svid must be specified');
    try {
      return await validateJwtSvid({ token: svid, audience, bundles, nowMs: options.now() });
    } catch (cause) {
      if (cause instanceof DevTrustDomainError) throw invalidArgument(cause.message);
      throw cause;
    }
  });
}

function unaryOf<Request, Response>(
  { workload }: JwtHandlersOptions,
  answer: (request: Request, state: RegisteredState) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, respond) => {
    const { state } = workload;
    if (state.type !== 'registered') return respond(statusOf(state));
    answer(call.request, state).then(
      (response) => respond(null, response),
      (cause: unknown) =>
        respond(cause instanceof Refusal ? cause.status : { code: status.INTERNAL, details: 'internal error' }),
    );
  };
}

function checkSpiffeId(text: string): void {
  try {
    SpiffeId.parse(text);
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    throw invalidArgument(`spiffe_id is not valid: ${quote(text)}`);
  }
}

function invalidArgument(details: string): Refusal {
  return new Refusal({ code: status.INVALID_ARGUMENT, details });
}
