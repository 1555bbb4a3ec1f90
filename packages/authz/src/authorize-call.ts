/**
 * ZERO TRUST: the one place where a call is let through, whatever its transport. A call passes only by a decision that
 * says so; no peer, a refusal, and every kind of failure end as a refusal, each told apart from the others.
 */
import { randomUUID } from 'node:crypto';
import {
  CallerChainError,
  type CallerChainErrorCode,
  type ChainVerifier,
  type EncodedChain,
  type VerifiedChain,
} from '@countersign/caller-chain';
import type { RefusalExplanation } from '@countersign/refusals';
import type { Peer, SpiffeId } from '@countersign/spiffe-tls';
import type { Call } from './call-context.ts';
import { createDecisionRecord, type DecisionRecord } from './decision-record.ts';
import { AuthzError } from './errors.ts';
import { explainOutcome, explainUnavailable } from './explain-refusal.ts';
import type { Revocation } from './open-calls.ts';
import type { ChainLink, PolicyInput } from './policy-document.ts';
import type { Decision, PolicyEngine } from './policy-engine.ts';

/** Why a call does not reach its handler. */
export interface Refusal {
  /**
   * `unauthenticated`: the connection has no verified peer, or has one no longer (401, UNAUTHENTICATED).
   * `malformed`: the request's path can't be told apart from another's (400). `chain`: the caller chain that the request
   * carries does not verify (401, UNAUTHENTICATED). `denied`: the policy refuses (403, PERMISSION_DENIED). `unavailable`:
   * nothing was decided (503, UNAVAILABLE).
   */
  readonly kind: 'unauthenticated' | 'malformed' | 'chain' | 'denied' | 'unavailable';
  /** The code that the peer is given. It does not say what a grant would have to look like. */
  readonly code: RefusalCode;
  readonly decisionId: string;
  /** The policy's decision; for the answer in development only. */
  readonly decision?: Decision;
  /** All of why; for the log, and for the answer in development only. */
  readonly explanation: RefusalExplanation;
}

/** Codes of refusals, for the peer. */
export type RefusalCode =
  | 'PEER_NOT_VERIFIED'
  | 'PATH_MALFORMED'
  | 'POLICY_DENIED'
  | 'POLICY_UNAVAILABLE'
  | CallerChainErrorCode;

/** Either the call, or why there is none. */
export type Verdict =
  | { readonly allow: true; readonly call: Call }
  | { readonly allow: false; readonly refusal: Refusal };

/** What both guards are made of. */
export interface GuardOptions {
  /** Decides; with `subscribe`, calls that are still open are decided again when another policy is loaded. */
  readonly engine: Pick<PolicyEngine, 'decide'> & Partial<Pick<PolicyEngine, 'subscribe'>>;
  /**
   * Calls back when a peer that was verified may be so no longer (a new bundle of the identity source, say), and returns how
   * to stop: open calls are then decided again, too. Default: nothing but the policy changes.
   */
  readonly onChange?: (listener: () => void) => () => void;
  /** The service's own SPIFFE ID, asked for each call: it may change with the SVID. Throwing refuses with 503. */
  readonly self: () => SpiffeId;
  /** Verifies caller chains. Without one no chain is read, and the policy sees none. */
  readonly chain?: Pick<ChainVerifier, 'verify'>;
  /**
   * Takes a record of each decision and of each failure to decide, and with it why the call is refused, if it is.
   * Synchronous; throwing refuses the call with 503.
   */
  readonly onDecision?: (record: DecisionRecord, refusal?: RefusalExplanation) => void;
  /** Puts the decision's rule and reason into the answer. Default `false`: never in production. */
  readonly development?: boolean;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** What differs from call to call. */
export interface Question {
  /** Asked inside, so that throwing refuses. */
  readonly peer: () => Peer | undefined;
  /** The transport's part of the input, or `undefined` when the request has none that is safe to ask about. */
  readonly describe: () => CallDescription | undefined;
  /** The chain that the request carries. Throwing a {@link CallerChainError} refuses it. */
  readonly chain: () => EncodedChain | undefined;
  /** What the last link must say is called: method and real path, or the full gRPC method. */
  readonly act: () => string;
  /** The call as it was allowed before, when it is asked about again: a chain is verified once, when a call begins. */
  readonly earlier?: Call | undefined;
  /** How the call's handler will learn that the call is no longer allowed. */
  readonly revocation: Revocation;
}

/** The input's parts that the transport knows. */
export type CallDescription = Pick<PolicyInput, 'transport' | 'operation' | 'http' | 'grpc' | 'resource'>;

const CODES = {
  unauthenticated: 'PEER_NOT_VERIFIED',
  malformed: 'PATH_MALFORMED',
  denied: 'POLICY_DENIED',
  unavailable: 'POLICY_UNAVAILABLE',
} as const;

/** Decides about one call and writes its record. Never throws. */
export function authorizeCall(options: GuardOptions, question: Question): Verdict {
  const decisionId = randomUUID();
  const outcome = decide(options, question, decisionId);
  const explanation = explainOutcome(outcome, decisionId);
  try {
    options.onDecision?.(recordOf(options, outcome, decisionId), explanation);
  } catch (error) {
    // A decision that can't be recorded is not acted on: nobody could ever say why the call passed.
    return refuse('unavailable', explainUnavailable(error, decisionId), decisionId);
  }
  if (outcome.kind === 'decided' && outcome.decision.allow) {
    const { peer, chain, decision, input } = outcome;
    return { allow: true, call: allowed({ peer, decision, input, ...(chain && { chain }) }, question.revocation) };
  }
  const why = explanation ?? explainUnavailable('no explanation', decisionId);
  if (outcome.kind === 'chain') return refuseChain(outcome.error, why, decisionId);
  if (outcome.kind !== 'decided') return refuse(outcome.kind, why, decisionId);
  return refuse('denied', why, decisionId, outcome.decision);
}

/** A call that is asked about again stays the one that its handler has: what the new decision obliges to holds for it, too. */
function allowed({ decision, ...decided }: Omit<Call, 'revoked'>, revocation: Revocation): Call {
  revocation.decision = decision;
  return Object.freeze({
    ...decided,
    get decision() {
      return revocation.decision ?? decision;
    },
    get revoked() {
      return revocation.signal;
    },
  });
}

type Outcome =
  | {
      kind: 'decided';
      peer: Peer;
      chain: VerifiedChain | undefined;
      decision: Decision;
      input: PolicyInput;
      durationNs: number;
    }
  | { kind: 'unauthenticated' | 'malformed' }
  | { kind: 'chain'; error: CallerChainError }
  | { kind: 'unavailable'; error: unknown; input: PolicyInput | undefined };

function decide(options: GuardOptions, question: Question, decisionId: string): Outcome {
  let input: PolicyInput | undefined;
  try {
    const peer = question.peer();
    if (peer === undefined) return { kind: 'unauthenticated' };
    const description = question.describe();
    if (description === undefined) return { kind: 'malformed' };
    const chain = verifyChain(options, question, peer);
    input = inputOf(options, { peer, chain, description });
    const started = process.hrtime.bigint();
    const decision = options.engine.decide(input, decisionId);
    return { kind: 'decided', peer, chain, decision, input, durationNs: Number(process.hrtime.bigint() - started) };
  } catch (error) {
    return error instanceof CallerChainError ? { kind: 'chain', error } : { kind: 'unavailable', error, input };
  }
}

/** ZERO TRUST: what a request says about earlier callers counts only when each of them signed it, for this very call. */
function verifyChain(options: GuardOptions, question: Question, peer: Peer): VerifiedChain | undefined {
  if (question.earlier !== undefined) return question.earlier.chain;
  const encoded = options.chain === undefined ? undefined : question.chain();
  if (encoded === undefined) return undefined;
  return options.chain?.verify(encoded, { peerId: peer.id, ownId: options.self(), act: question.act() });
}

/** What an input is made of. */
interface InputParts {
  readonly peer: Peer;
  readonly chain: VerifiedChain | undefined;
  readonly description: CallDescription;
}

/** SPIFFE: identity reaches the policy as parsed fields of the verified ID, never as a header to split. */
function inputOf(
  { self, now = Date.now }: GuardOptions,
  { peer: { id }, chain, description }: InputParts,
): PolicyInput {
  return {
    ...description,
    self: { spiffe_id: self().toString() },
    peer: { spiffe_id: id.toString(), trust_domain: id.trustDomain.name, path: id.segments },
    chain: chain?.links.map(toChainLink) ?? [],
    time: new Date(now()).toISOString(),
  };
}

function toChainLink({ iss, act, issuedAt }: VerifiedChain['links'][number]): ChainLink {
  return { spiffe_id: iss.toString(), act, issued_at: issuedAt.toISOString() };
}

function refuse(
  kind: keyof typeof CODES,
  explanation: RefusalExplanation,
  decisionId: string,
  decision?: Decision,
): Verdict {
  const refusal = { kind, code: CODES[kind], decisionId, explanation, ...(decision === undefined ? {} : { decision }) };
  return { allow: false, refusal };
}

/** A store that is full says nothing about the chain: the caller may try again. */
function refuseChain({ code }: CallerChainError, explanation: RefusalExplanation, decisionId: string): Verdict {
  const kind = code === 'CHAIN_STORE_FULL' ? 'unavailable' : 'chain';
  return { allow: false, refusal: { kind, code, decisionId, explanation } };
}

function recordOf({ now = Date.now }: GuardOptions, outcome: Outcome, decisionId: string): DecisionRecord {
  const base = { decisionId, nowMs: now(), durationNs: 0 };
  if (outcome.kind === 'decided') {
    const { input, decision, durationNs } = outcome;
    return createDecisionRecord({ ...base, input, result: decision, durationNs });
  }
  if (outcome.kind === 'unavailable')
    return createDecisionRecord({ ...base, input: outcome.input, error: errorOf(outcome.error) });
  if (outcome.kind === 'chain') return createDecisionRecord({ ...base, error: outcome.error });
  return createDecisionRecord({ ...base, error: { code: CODES[outcome.kind], message: MESSAGES[outcome.kind] } });
}

const MESSAGES = {
  unauthenticated: 'the connection has no verified peer, or has one no longer',
  malformed: 'the path of the request is not acceptable',
};

function errorOf(error: unknown): { code: string; message: string } {
  if (error instanceof AuthzError) return error;
  return { code: 'GUARD_FAILED', message: error instanceof Error ? error.message : String(error) };
}
