/**
 * The checks that a call passes one after the other, and where one attack ended. A layer that is none of the five (a
 * protocol's own parser, PostgreSQL's login) stands where it is asked: on the connection, before any of our code.
 */
import type { AttackDescription, AttackResult } from '../../../src/wire/actions.ts';

/** One rung. */
export interface Rung {
  readonly name: string;
  readonly state: 'passed' | 'refused' | 'not reached' | 'served';
}

const HANDSHAKE = 'TLS handshake';
const HANDLER = 'handler';
/** What the control calls whoever refused, where this page says it otherwise. */
const ALSO_CALLED: Readonly<Record<string, string>> = { guard: 'peer' };
/** What it says when nobody refused. */
const NOBODY = 'nobody';

const OF_A_CALL = [HANDSHAKE, 'peer', 'caller chain', 'policy', HANDLER];
const OF_A_LOGIN = [HANDSHAKE, 'PostgreSQL', 'query'];

/** Where the attack ended. */
export function ladderOf(
  { layer }: Pick<AttackResult, 'layer'>,
  { transport }: Pick<AttackDescription, 'transport'>,
): readonly Rung[] {
  const refusedBy = ALSO_CALLED[layer] ?? layer;
  const names = transport === 'postgres' ? OF_A_LOGIN : OF_A_CALL;
  if (refusedBy === NOBODY) {
    return names.map((name, index) => ({ name, state: index === names.length - 1 ? 'served' : 'passed' }));
  }
  const rungs = names.includes(refusedBy) ? names : [HANDSHAKE, refusedBy, ...names.slice(1)];
  const end = rungs.indexOf(refusedBy);
  return rungs.map((name, index) => ({ name, state: stateAt(index, end) }));
}

function stateAt(index: number, end: number): Rung['state'] {
  if (index === end) return 'refused';
  return index < end ? 'passed' : 'not reached';
}

/** The ladder in one sentence, for who does not see it. */
export function sayLadder(rungs: readonly Rung[]): string {
  return rungs.map(({ name, state }) => `${name}: ${state}`).join(', ');
}
