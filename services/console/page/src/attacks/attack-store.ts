/** The attack lab's state: the attacks, what came of each, and the one queue that runs them. Kept while another tab is open. */
import { create } from 'zustand';
import type { AttackDescription } from '../../../src/wire/actions.ts';
import { api } from '../api/api.ts';
import { type ApiProblem, toProblem } from '../api/problem.ts';
import type { Run, Runs, Search } from './attack-list.ts';

/** What is under way. */
export interface Queue {
  readonly title: string;
  readonly total: number;
  readonly finished: number;
  /** Asked to stop: the attack that runs is still waited for. */
  readonly stopping: boolean;
}

export interface Attacks {
  readonly attacks?: readonly AttackDescription[];
  /** Why they could not be fetched. */
  readonly problem?: ApiProblem;
  readonly runs: Runs;
  readonly queue?: Queue;
  readonly search: Search;
  /** IDs of the groups that are open. */
  readonly open: ReadonlySet<string>;
}

export const useAttacks = create<Attacks>(() => ({
  runs: {},
  search: { words: '', transport: 'all' },
  open: new Set(),
}));

/** Fetches the list, unless it is there. Never rejects. */
export async function loadAttacks(signal: AbortSignal): Promise<void> {
  if (useAttacks.getState().attacks !== undefined) return;
  try {
    const attacks = await api.attacks(signal);
    useAttacks.setState(({ problem: _, ...rest }) => ({ ...rest, attacks }), true);
  } catch (error) {
    if (!signal.aborted) useAttacks.setState({ problem: toProblem(error) });
  }
}

export function searchFor(change: Partial<Search>): void {
  useAttacks.setState(({ search }) => ({ search: { ...search, ...change } }));
}

export function setOpen(groups: readonly string[], isOpen: boolean): void {
  useAttacks.setState(({ open }) => {
    const closed = [...open].filter((id) => !groups.includes(id));
    return { open: new Set(isOpen ? [...closed, ...groups] : closed) };
  });
}

/** Runs one for real. Never rejects. */
export async function runAttack(id: string): Promise<void> {
  if (useAttacks.getState().runs[id]?.state === 'running') return;
  setRun(id, { state: 'running' });
  try {
    setRun(id, { state: 'done', result: await api.attack(id) });
  } catch (error) {
    setRun(id, { state: 'failed', problem: toProblem(error) });
  }
}

/** Runs them one after the other, until the end, a stop, or an answer that says that the system is away. */
export async function runAll(title: string, ids: readonly string[]): Promise<void> {
  if (useAttacks.getState().queue !== undefined) return;
  setQueue({ title, total: ids.length, finished: 0, stopping: false });
  for (const [index, id] of ids.entries()) {
    if (useAttacks.getState().queue?.stopping !== false) break;
    await runAttack(id);
    setQueue({ finished: index + 1 });
    if (isAway(useAttacks.getState().runs[id])) break;
  }
  useAttacks.setState(({ queue: _, ...rest }) => rest, true);
}

/** No further attack is begun. */
export function stopAttacks(): void {
  setQueue({ stopping: true });
}

function setQueue(change: Partial<Queue>): void {
  const before = useAttacks.getState().queue ?? { title: '', total: 0, finished: 0, stopping: false };
  useAttacks.setState({ queue: { ...before, ...change } });
}

function setRun(id: string, run: Run): void {
  useAttacks.setState(({ runs }) => ({ runs: { ...runs, [id]: run } }));
}

/** Nothing was answered at all, or the console has lost the system: the others would fail alike. */
function isAway(run: Run | undefined): boolean {
  return run?.state === 'failed' && (run.problem.status === 0 || run.problem.status === 503);
}
