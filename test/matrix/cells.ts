/**
 * The cells of the matrix, made from the table: each caller by each way, and each attack by the ways and callers it is for.
 */
import { attackCells } from './attacks.ts';
import { attempt } from './attempts.ts';
import { expectedOf } from './expectations.ts';
import { lifeCells } from './life-attacks.ts';
import type { Expected, Seen } from './outcome.ts';
import { CALLERS, type Caller, WAYS, type Way } from './table.ts';
import type { World } from './world.ts';

/** One cell. */
export interface Cell {
  readonly caller: string;
  readonly way: Way;
  /** `none`, or the attack's name. */
  readonly attack: string;
  readonly expected: Expected | ((world: World) => Expected);
  run(world: World): Promise<Seen>;
  /** Made after all others, one after the other: it changes what others stand on. */
  readonly last?: true;
}

/** All of them. */
export function listCells(): Cell[] {
  return [
    ...CALLERS.flatMap((caller) => waysOf(caller).map((way) => plainCell(caller, way))),
    ...attackCells(),
    ...lifeCells(),
  ];
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
export function selectCells(cells: readonly Cell[], only: readonly string[]): Cell[] {
  return cells.filter(({ caller, way, attack }) =>
    only.every((text) => [caller, way.name, attack].some((name) => name.toLowerCase().includes(text.toLowerCase()))),
  );
}
