/**
 * `npm run matrix -- --mutate`: breaks each check in turn and shows that a cell turns red. Exit code 1 when a check is broken
 * and nobody sees it, or when a mutation's text is no longer in the source.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { spireFromEnv } from '@countersign/local-stack';
import { type Cell, listCells } from './cells.ts';
import { MUTATIONS, type Mutation } from './mutations.ts';
import { runPool } from './pool.ts';
import { runCell, type Verdict } from './run.ts';
import { type OwnWorld, openWorld } from './world.ts';

const root = new URL('../../', import.meta.url);
const hook = new URL('./mutation-hook.mjs', import.meta.url).href;
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    /** `2/7`: the second of seven parts. */
    part: { type: 'string', default: '1/1' },
  },
});

const [part = 1, parts = 1] = values.part.split('/').map(Number);
const chosen = MUTATIONS.filter(({ name }) => name.includes(values.only)).filter(
  (_, index) => index % parts === part - 1,
);
const lost = MUTATIONS.flatMap(findLost);
for (const text of lost) console.error(text);
if (lost.length > 0 || chosen.length === 0) {
  process.exitCode = 1;
} else {
  process.exitCode = await mutate(chosen);
}
if (process.connected) process.disconnect();

function findLost({ name, edits }: Mutation): string[] {
  return edits
    .filter(({ file, find }) => readFileSync(new URL(file, root), 'utf8').split(find).length !== 2)
    .map(({ file, find }) => `mutation "${name}": ${JSON.stringify(find)} must be exactly once in ${file}`);
}

async function mutate(mutations: readonly Mutation[]): Promise<number> {
  const started = performance.now();
  const programEnv: Record<string, NodeJS.ProcessEnv> = { backend: {} };
  await using world = await openWorld({ env: process.env, spire: spireFromEnv(process.env), programEnv });
  const cells = listCells();
  const atEcho = await runPool(
    mutations.filter(({ server }) => server === 'echo'),
    3,
    (each) => atOwnEcho(world, each, cells),
  );
  const atBackend: boolean[] = [];
  for (const each of mutations.filter(({ server }) => server === 'backend')) {
    atBackend.push(await atRestartedBackend(world, each, cells, programEnv));
  }
  const seen = [...atEcho, ...atBackend].filter(Boolean).length;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`\n${seen} of ${mutations.length} broken checks were seen, in ${seconds} s`);
  return seen === mutations.length ? 0 : 1;
}

function environmentOf({ edits }: Mutation): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `--import=${hook}`, COUNTERSIGN_MUTATION: JSON.stringify(edits) };
}

async function atOwnEcho(world: OwnWorld, mutation: Mutation, cells: readonly Cell<OwnWorld>[]): Promise<boolean> {
  const echo = await world.startEcho(environmentOf(mutation)).catch((error: unknown) => String(error));
  if (typeof echo === 'string') return report(mutation, undefined, echo);
  const mutated: OwnWorld = {
    ...world,
    addressOf: (way) => (way.server === 'echo' ? echo.address : world.addressOf(way)),
  };
  try {
    return await judge(
      mutated,
      mutation,
      cells.filter(({ way }) => way.server === 'echo'),
    );
  } finally {
    await echo.stop();
  }
}

async function atRestartedBackend(
  world: OwnWorld,
  mutation: Mutation,
  cells: readonly Cell<OwnWorld>[],
  programEnv: Record<string, NodeJS.ProcessEnv>,
): Promise<boolean> {
  programEnv['backend'] = { ...programEnv['backend'], ...environmentOf(mutation) };
  await world.authority.system.restart('backend');
  return judge(
    world,
    mutation,
    cells.filter(({ way }) => way.transport === 'https'),
  );
}

/** Looks for one red cell among those that should see it. */
async function judge(world: OwnWorld, mutation: Mutation, cells: readonly Cell<OwnWorld>[]): Promise<boolean> {
  const { seenBy } = mutation;
  const relevant = cells.filter(({ caller, attack }) => seenBy.includes(attack === 'none' ? caller : attack));
  for (const cell of relevant) {
    const verdict = await runCell(world, cell, 1_000);
    if (verdict.problems.length > 0) return report(mutation, verdict);
  }
  return report(mutation, undefined, `${relevant.length} cells stayed green`);
}

function report({ name }: Mutation, verdict: Verdict | undefined, why = ''): boolean {
  if (verdict === undefined) {
    console.log(`NOT SEEN  ${name}: ${why}`);
    return false;
  }
  const { cell, problems } = verdict;
  const where = `${cell.caller} | ${cell.way.name} | ${cell.attack}`;
  console.log(`seen      ${name.padEnd(44)} ${where}: ${problems[0] ?? ''}`.slice(0, 220));
  return true;
}
