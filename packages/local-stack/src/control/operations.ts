/**
 * What can be asked over the control socket, each operation once: its route, what its body and its answer must be, and how
 * long it may take. Server and client are both made from this table.
 */
import { exactly, list, optional, type Reader, text } from './readers.ts';
import {
  attackDescription,
  attackResult,
  certificateView,
  decidedInput,
  identityResult,
  partnerCallResult,
  policyCheck,
  policyState,
  stackDescription,
} from './shapes.ts';
import type { StackControl } from './stack-control.ts';

/** The name of an operation. */
export type OperationName = keyof StackControl;

/** Arguments of an operation. */
export type Arguments<Name extends OperationName> = Parameters<StackControl[Name]>;

/** What an operation answers. */
export type Answer<Name extends OperationName> = Awaited<ReturnType<StackControl[Name]>>;

/** One operation. */
export interface Operation<Name extends OperationName> {
  /** Method and path, as the request line has them. */
  readonly route: string;
  /** The largest body; a larger one is refused, and not read to its end. */
  readonly maxBytes: number;
  /** How long whoever asked waits: the changes before it included. */
  readonly timeoutMs: number;
  readonly toBody: (...args: Arguments<Name>) => object;
  readonly toArguments: (body: unknown) => Arguments<Name>;
  readonly answer: Reader<Answer<Name>>;
}

/** A change of the CA on SPIRE takes a minute, and several may wait for each other. */
const changeMs = 240_000;
const readMs = 30_000;
const smallBytes = 4 * 1024;
/** The largest text of grants, and what JSON's escapes can make of it. */
const maxPolicyText = 256 * 1024;
const policyBytes = 4 * maxPolicyText;
/** Decisions to try again come with their inputs. */
const maxRecent = 500;
const checkBytes = 16 * 1024 * 1024;

const name = text(100);
const nothing = exactly<object>({});
const oneWorkload = exactly({ workload: name });
const maybeWorkload = exactly<{ workload?: string | undefined }>({ workload: optional(name) });
const oneAttack = exactly({ id: name });
const policyText = exactly({ text: text(maxPolicyText), recent: list(decidedInput, maxRecent) });
const policyChange = exactly({ text: text(maxPolicyText), revision: name });
const policyUndo = exactly({ revision: name });

type Without = 'describe' | 'rotateCa' | 'federate' | 'unfederate' | 'partnerCall' | 'policy' | 'attacks';

function without<Name extends Without>(
  route: string,
  timeoutMs: number,
  answer: Reader<Answer<Name>>,
): Pick<Operation<Name>, 'route' | 'maxBytes' | 'timeoutMs' | 'answer'> & {
  readonly toBody: () => object;
  readonly toArguments: (body: unknown) => [];
} {
  return {
    route,
    maxBytes: smallBytes,
    timeoutMs,
    answer,
    toBody: () => ({}),
    toArguments: (body) => {
      nothing(body, 'body');
      return [];
    },
  };
}

function onWorkload<Name extends 'withdraw' | 'give' | 'certificate'>(
  route: string,
  timeoutMs: number,
  answer: Reader<Answer<Name>>,
) {
  return {
    route,
    maxBytes: smallBytes,
    timeoutMs,
    answer,
    toBody: (workload: string) => ({ workload }),
    toArguments: (body: unknown): [string] => [oneWorkload(body, 'body').workload],
  };
}

/** The table. */
export const operations: { readonly [Name in OperationName]: Operation<Name> } = {
  describe: without<'describe'>('GET /v1/describe', readMs, stackDescription),
  rotate: {
    route: 'POST /v1/rotate',
    maxBytes: smallBytes,
    timeoutMs: changeMs,
    answer: identityResult,
    toBody: (workload) => ({ workload }),
    toArguments(body) {
      const { workload } = maybeWorkload(body, 'body');
      return workload === undefined ? [] : [workload];
    },
  },
  rotateCa: without<'rotateCa'>('POST /v1/rotate-ca', changeMs, identityResult),
  withdraw: onWorkload<'withdraw'>('POST /v1/withdraw', changeMs, identityResult),
  give: onWorkload<'give'>('POST /v1/give', changeMs, identityResult),
  federate: without<'federate'>('POST /v1/federate', changeMs, identityResult),
  unfederate: without<'unfederate'>('POST /v1/unfederate', changeMs, identityResult),
  partnerCall: without<'partnerCall'>('POST /v1/partner-call', changeMs, partnerCallResult),
  certificate: onWorkload<'certificate'>('POST /v1/certificate', readMs, certificateView),
  policy: without<'policy'>('GET /v1/policy', readMs, policyState),
  checkPolicy: {
    route: 'POST /v1/policy/check',
    maxBytes: checkBytes,
    timeoutMs: readMs,
    answer: policyCheck,
    toBody: (changed, recent) => ({ text: changed, recent }),
    toArguments(body) {
      const found = policyText(body, 'body');
      return [found.text, found.recent];
    },
  },
  applyPolicy: {
    route: 'POST /v1/policy/apply',
    maxBytes: policyBytes,
    timeoutMs: changeMs,
    answer: policyState,
    toBody: (changed, revision) => ({ text: changed, revision }),
    toArguments(body) {
      const found = policyChange(body, 'body');
      return [found.text, found.revision];
    },
  },
  undoPolicy: {
    route: 'POST /v1/policy/undo',
    maxBytes: smallBytes,
    timeoutMs: changeMs,
    answer: policyState,
    toBody: (revision) => ({ revision }),
    toArguments: (body) => [policyUndo(body, 'body').revision],
  },
  attacks: without<'attacks'>('GET /v1/attacks', changeMs, list(attackDescription)),
  attack: {
    route: 'POST /v1/attack',
    maxBytes: smallBytes,
    timeoutMs: changeMs,
    answer: attackResult,
    toBody: (id) => ({ id }),
    toArguments: (body) => [oneAttack(body, 'body').id],
  },
};
