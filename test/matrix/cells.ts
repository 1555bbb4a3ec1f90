/**
 * The cells of the matrix, made from the table: each caller by each way, and each attack by the ways and callers it is for.
 */
import { attackCells } from './attacks.ts';
import { attempt } from './attempts.ts';
import { expectedOf } from './expectations.ts';
import { lifeCells } from './life-attacks.ts';
import type { Expected, Seen } from './outcome.ts';
import { CALLERS, type Caller, WAYS, type Way } from './table.ts';
import type { OwnWorld, World } from './world.ts';

/** Who calls, by which way, and what is odd about it. */
export interface CellName {
  readonly caller: string;
  readonly way: Way;
  /** `none`, or the attack's name. */
  readonly attack: string;
}

/** One cell. What it needs of the world tells where it can be made. */
export interface Cell<Needs extends World = World> extends CellName {
  readonly expected: Expected | ((world: Needs) => Expected);
  readonly run: (world: Needs) => Promise<Seen>;
  /** Made after all others, one after the other: it changes what others stand on. */
  readonly last?: true;
}

/** All of them. */
export function listCells(): Cell<OwnWorld>[] {
  return [...plainCells(), ...attackCells(), ...lifeCells()];
}

/** Every caller by every way, with nothing odd about it. */
export function plainCells(): Cell[] {
  return CALLERS.flatMap((caller) => waysOf(caller).map((way) => plainCell(caller, way)));
}

function waysOf({ postgres }: Caller): readonly Way[] {
  return postgres === undefined ? WAYS.filter(({ transport }) => transport !== 'postgres') : WAYS;
}

function plainCell(caller: Caller, way: Way): Cell {
  return {
    caller: caller.name,
    way,
    attack: 'none',
    expected: (world) => expectedOf(caller, way, world),
    run: (world) => attempt(world, caller, way),
  };
}

/** Those that have each of these texts in their caller, way or attack. */
export function selectCells<Each extends CellName>(cells: readonly Each[], only: readonly string[]): Each[] {
  return cells.filter(({ caller, way, attack }) =>
    only.every((text) => [caller, way.name, attack].some((name) => name.toLowerCase().includes(text.toLowerCase()))),
  );
}
