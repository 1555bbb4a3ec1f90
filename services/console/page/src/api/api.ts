/** Every request of the page, by name. Nothing else in the page calls fetch. */
import type {
  IdentityRequest,
  LoadRequest,
  NewOrder,
  PolicyChange,
  PolicyText,
  PolicyUndo,
} from '../../../src/wire/actions.ts';
import { attackDescriptions, attackResult, loadState, placedOrder, policyCheck, policyState } from './decode-doing.ts';
import { certificateView, identityResult, partnerCallResult, session } from './decode-stack.ts';
import { decisionDetail, traceDetail } from './decode-telemetry.ts';
import { createSessionStore } from './session-store.ts';
import { createTransport } from './transport.ts';

/** Operations that end when every workload has heard of it, which is a matter of handshakes and not of this machine alone. */
const IDENTITY_MS = 60_000;
/** On SPIRE the authority is prepared, activated, tainted and revoked one after the other. */
const ROLL_CA_MS = 10 * 60_000;
/** Attacks run one at a time, so one may wait for another. */
const ATTACK_MS = 120_000;

/** The one session of this page. */
export const sessionStore = createSessionStore(() => transport.get('/api/session', session));

const transport = createTransport({
  fetch: (path, init) => fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store', redirect: 'error' }),
  token: (fresh) => sessionStore.token(fresh),
});

/** What can be done to identities, as the last segment of its path. */
export type IdentityOperation = 'rotate' | 'rotate-ca' | 'withdraw' | 'give' | 'federate' | 'unfederate';

/** The console's requests. Each rejects with what {@link toProblem} understands, or when its signal is aborted. */
export const api = {
  trace: (traceId: string, signal?: AbortSignal) =>
    transport.get(`/api/traces/${encodeURIComponent(traceId)}`, traceDetail, { signal }),
  decision: (id: string, signal?: AbortSignal) =>
    transport.get(`/api/decisions/${encodeURIComponent(id)}`, decisionDetail, { signal }),
  certificate: (workload: string, signal?: AbortSignal) =>
    transport.get(`/api/workloads/${encodeURIComponent(workload)}/certificate`, certificateView, { signal }),
  placeOrder: (order: NewOrder, signal?: AbortSignal) => transport.post('/api/orders', order, placedOrder, { signal }),
  load: (request: LoadRequest, signal?: AbortSignal) => transport.post('/api/load', request, loadState, { signal }),
  async identity(operation: IdentityOperation, request: IdentityRequest = {}, signal?: AbortSignal) {
    const timeoutMs = operation === 'rotate-ca' ? ROLL_CA_MS : IDENTITY_MS;
    const result = await transport.post(`/api/identity/${operation}`, request, identityResult, { signal, timeoutMs });
    sessionStore.learn(result);
    return result;
  },
  partnerCall: (signal?: AbortSignal) =>
    transport.post('/api/identity/partner-call', {}, partnerCallResult, { signal, timeoutMs: IDENTITY_MS }),
  attacks: (signal?: AbortSignal) => transport.get('/api/attacks', attackDescriptions, { signal }),
  attack: (id: string, signal?: AbortSignal) =>
    transport.post(`/api/attacks/${encodeURIComponent(id)}`, {}, attackResult, { signal, timeoutMs: ATTACK_MS }),
  policy: (signal?: AbortSignal) => transport.get('/api/policy', policyState, { signal }),
  checkPolicy: (request: PolicyText, signal?: AbortSignal) =>
    transport.post('/api/policy/check', request, policyCheck, { signal }),
  applyPolicy: (request: PolicyChange, signal?: AbortSignal) =>
    transport.post('/api/policy/apply', request, policyState, { signal, timeoutMs: IDENTITY_MS }),
  undoPolicy: (request: PolicyUndo, signal?: AbortSignal) =>
    transport.post('/api/policy/undo', request, policyState, { signal, timeoutMs: IDENTITY_MS }),
};
