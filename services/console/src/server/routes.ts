/**
 * What the API answers, as `../wire/actions.ts` lists it: one row a request. A row's function gives the document of the answer,
 * or throws; how that becomes HTTP is the application's matter.
 */
import type { StackControl } from '@countersign/local-stack/control';
import type { Request } from 'express';
import type { CustomerClient } from '../controls/customer-client.ts';
import type { Load } from '../controls/load.ts';
import type { Session } from '../wire/actions.ts';
import type { DecisionDetail, TraceDetail } from '../wire/model.ts';
import { ApiError } from './api-error.ts';
import {
  MAX_POLICY_BYTES,
  readAttackId,
  readDecisionId,
  readLoad,
  readName,
  readOptionalWorkload,
  readPolicyText,
  readRevision,
  readTraceId,
  readWorkload,
} from './fields.ts';

/** An answer with a status of its own. */
export interface RouteAnswer {
  readonly status: number;
  readonly document: unknown;
}

/** One request of the API. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As Express has it. */
  readonly path: string;
  /** Longest body in bytes; 64 KiB by default. */
  readonly maxBytes?: number;
  answer(request: Request): RouteAnswer | Promise<RouteAnswer>;
}

/** What the console knows: the part of its store that is asked for by ID. */
export interface KnownThings {
  trace(id: string): TraceDetail | undefined;
  decision(id: string): DecisionDetail | undefined;
  recentDecisions(): Parameters<StackControl['checkPolicy']>[1];
}

/** What the routes work with. Absent is what the console was not told of. */
export interface RouteOptions {
  readonly session: () => Promise<Session>;
  readonly known: KnownThings;
  readonly control: StackControl | undefined;
  readonly customer: CustomerClient | undefined;
  readonly load: Load | undefined;
}

/** Text in JSON: each quote and line end in it is escaped. And a little for what is around it. */
const POLICY_BODY_BYTES = 2 * MAX_POLICY_BYTES + 1024;

/** All routes but the two streams. */
export function createRoutes(options: RouteOptions): Route[] {
  return [
    ...watchRoutes(options),
    ...orderRoutes(options),
    ...identityRoutes(() => controlOf(options)),
    ...attackRoutes(() => controlOf(options)),
    ...policyRoutes(() => controlOf(options), options.known),
  ];
}

function watchRoutes({ session, known }: RouteOptions): Route[] {
  return [
    get('/api/session', session),
    get('/api/traces/:id', ({ params }) => found(known.trace(readTraceId(params['id'])), 'trace')),
    get('/api/decisions/:id', ({ params }) => found(known.decision(readDecisionId(params['id'])), 'decision')),
  ];
}

function orderRoutes({ customer, load }: RouteOptions): Route[] {
  return [
    // The customer's own answer with its own status, a refusal included.
    { method: 'POST', path: '/api/orders', answer: ({ body }) => told(customer, 'CUSTOMER_URL').placeOrder(body) },
    post('/api/load', ({ body }) => told(load, 'CUSTOMER_URL').set(readLoad(body))),
  ];
}

type ControlOf = () => StackControl;

function identityRoutes(control: ControlOf): Route[] {
  return [
    get('/api/workloads/:name/certificate', ({ params }) => control().certificate(readName(params['name']))),
    post('/api/identity/rotate', ({ body }) => control().rotate(readOptionalWorkload(body))),
    post('/api/identity/rotate-ca', () => control().rotateCa()),
    post('/api/identity/withdraw', ({ body }) => control().withdraw(readWorkload(body))),
    post('/api/identity/give', ({ body }) => control().give(readWorkload(body))),
    post('/api/identity/federate', () => control().federate()),
    post('/api/identity/unfederate', () => control().unfederate()),
    post('/api/identity/partner-call', () => control().partnerCall()),
  ];
}

function attackRoutes(control: ControlOf): Route[] {
  return [
    get('/api/attacks', () => control().attacks()),
    post('/api/attacks/:id', ({ params }) => control().attack(readAttackId(params['id']))),
  ];
}

function policyRoutes(control: ControlOf, known: KnownThings): Route[] {
  const maxBytes = POLICY_BODY_BYTES;
  const check = ({ body }: Request) => control().checkPolicy(readPolicyText(body), known.recentDecisions());
  return [
    get('/api/policy', () => control().policy()),
    { ...post('/api/policy/check', check), maxBytes },
    {
      ...post('/api/policy/apply', ({ body }) => control().applyPolicy(readPolicyText(body), readRevision(body))),
      maxBytes,
    },
    post('/api/policy/undo', ({ body }) => control().undoPolicy(readRevision(body))),
  ];
}

type Answer = (request: Request) => unknown;

function get(path: string, answer: Answer): Route {
  return { method: 'GET', path, answer: async (request) => ({ status: 200, document: await answer(request) }) };
}

function post(path: string, answer: Answer): Route {
  return { ...get(path, answer), method: 'POST' };
}

function controlOf({ control }: RouteOptions): StackControl {
  return told(control, 'STACK_CONTROL_SOCKET');
}

/** What the console was started without can't be asked. */
function told<T>(thing: T | undefined, variable: string): T {
  if (thing !== undefined) return thing;
  throw new ApiError({ status: 503, detail: `The console was started without ${variable}.`, reason: 'NOT_CONNECTED' });
}

function found<T>(thing: T | undefined, what: string): T {
  if (thing !== undefined) return thing;
  throw new ApiError({ status: 404, detail: `This ${what} is not known, or no longer.` });
}
