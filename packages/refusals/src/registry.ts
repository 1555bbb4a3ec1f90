/**
 * The one registry of refusals, from handshake to handler. A test compares it with the sources, both ways: a code that is
 * raised and not listed fails, and so does a row that nothing raises.
 */
import { EDGE, HANDLER } from './answers.ts';
import { CHAIN, PEER, POLICY } from './guard.ts';
import { HANDSHAKE } from './handshake.ts';
import type { RefusalStage, RefusalTable } from './refusal-row.ts';

/** All refusals: by stage, then by code. */
export const REFUSALS = {
  handshake: HANDSHAKE,
  peer: PEER,
  chain: CHAIN,
  policy: POLICY,
  handler: HANDLER,
  edge: EDGE,
} as const satisfies Readonly<Record<RefusalStage, RefusalTable>>;

/** What holds for all refusals of a stage. */
export interface StageDescription {
  /** What is refused, by whom. */
  readonly title: string;
  /** The line in which the refusing side explains it. */
  readonly logged: string;
  /** What the refused side is given of the explanation. */
  readonly safe: string;
}

/** The stages in the order in which a call meets them. */
export const STAGES: Readonly<Record<RefusalStage, StageDescription>> = {
  handshake: {
    title: 'a connection, right after the TLS handshake, by either side; by PostgreSQL, at its login',
    logged: '`event: refused`',
    safe: 'nothing: TLS 1.3 ends a handshake for the client before the server has seen its certificate',
  },
  peer: {
    title: 'a call whose connection has no verified peer, by the guard',
    logged: '`event: decision` and `event: request`',
    safe: '`code` and `decision_id`',
  },
  chain: {
    title: 'a call whose caller chain does not hold, by the guard',
    logged: '`event: decision` and `event: request`',
    safe: '`code` and `decision_id`',
  },
  policy: {
    title: 'a call that the policy does not allow, by the guard',
    logged: '`event: decision` and `event: request`',
    safe: '`code` and `decision_id`',
  },
  handler: {
    title: 'a request of an allowed caller, by the handler',
    logged: '`event: request`',
    safe: '`reason` (the code), a sentence for people, and the name of the field that is wrong',
  },
  edge: {
    title: 'a request at a plain port: of users, by the customer service, or of the page, by the development console',
    logged: '`event: request`; by the console `event: refused`',
    safe: '`reason` (the code) and a sentence for people',
  },
};
