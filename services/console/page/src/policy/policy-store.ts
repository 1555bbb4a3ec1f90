/**
 * The grants while they are edited: what the services have, what the text says, and what the text would do. Kept while another
 * tab is open. A text is checked a moment after the last key; a check that was overtaken is let go.
 */
import { create } from 'zustand';
import type { PolicyCheck, PolicyState } from '../../../src/wire/actions.ts';
import { api } from '../api/api.ts';
import { type ApiProblem, toProblem } from '../api/problem.ts';
import { notify } from '../design/notify.ts';
import { type Grant, grantKey, readGrants } from './grants.ts';

export interface Policy {
  /** As the services have it. */
  readonly base?: PolicyState;
  readonly draft: string;
  /** Of the draft; absent while it is not checked yet, or is what the services have. */
  readonly check?: PolicyCheck;
  /** Grants that were there at some time: what was taken away can be given back. */
  readonly known: readonly Grant[];
  /** Somebody else applied this while the draft was made. */
  readonly conflict?: PolicyState;
  readonly working?: 'apply' | 'undo';
  readonly failed?: { readonly title: string; readonly problem: ApiProblem };
}

export const usePolicy = create<Policy>(() => ({ draft: '', known: [] }));

const CHECK_AFTER_MS = 350;
let checking: AbortController | undefined;

export const isEdited = ({ base, draft }: Policy) => base !== undefined && draft !== base.text;

/** Fetches what the services have. A draft is never written over: when both changed, it is a conflict. Never rejects. */
export async function loadPolicy(signal?: AbortSignal): Promise<void> {
  try {
    const found = await api.policy(signal);
    const now = usePolicy.getState();
    if (!isEdited(now)) adopt(found);
    else if (now.base?.revision !== found.revision) usePolicy.setState({ conflict: found });
  } catch (error) {
    if (signal?.aborted !== true) fail('The grants could not be read', error);
  }
}

/** A key was pressed, or a switch. */
export function edit(draft: string): void {
  if (draft === usePolicy.getState().draft) return;
  usePolicy.setState(({ check: _, failed: __, ...rest }) => ({ ...rest, draft }), true);
  checking?.abort();
  if (!isEdited(usePolicy.getState())) return;
  checking = new AbortController();
  const { signal } = checking;
  const timer = setTimeout(() => void check(draft, signal), CHECK_AFTER_MS);
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

/** Back to what the services have. */
export function discard(): void {
  edit(usePolicy.getState().base?.text ?? '');
}

/** Lets the services have the draft. Never rejects. @returns whether they have it */
export function apply(): Promise<boolean> {
  const { base, draft } = usePolicy.getState();
  if (base === undefined) return Promise.resolve(false);
  return change('apply', 'Applied: every service decides by it already', () =>
    api.applyPolicy({ text: draft, revision: base.revision }),
  );
}

/** Takes the last applied change back. Never rejects. @returns whether it is undone */
export function undo(): Promise<boolean> {
  const { base } = usePolicy.getState();
  if (base === undefined) return Promise.resolve(false);
  return change('undo', 'Undone: the grants are what they were before', () =>
    api.undoPolicy({ revision: base.revision }),
  );
}

/** Ends a conflict: with the draft on top of what somebody else applied, or with theirs alone. */
export function settle(whose: 'mine' | 'theirs'): void {
  const { conflict, draft } = usePolicy.getState();
  if (conflict === undefined) return;
  adopt(conflict);
  if (whose === 'mine') edit(draft);
}

async function change(working: 'apply' | 'undo', done: string, ask: () => Promise<PolicyState>): Promise<boolean> {
  if (usePolicy.getState().working !== undefined) return false;
  usePolicy.setState(({ failed: _, ...rest }) => ({ ...rest, working }), true);
  try {
    adopt(await ask());
    notify({ kind: 'good', title: done });
    return true;
  } catch (error) {
    await refused(working, error);
    return false;
  } finally {
    usePolicy.setState(({ working: _, ...rest }) => rest, true);
  }
}

/** Where somebody else was faster, theirs is fetched, for the reader to choose. */
async function refused(working: 'apply' | 'undo', error: unknown): Promise<void> {
  if (toProblem(error).status !== 409) return fail(working === 'apply' ? 'Not applied' : 'Not undone', error);
  try {
    const theirs = await api.policy();
    if (isEdited(usePolicy.getState())) usePolicy.setState({ conflict: theirs });
    else adopt(theirs);
  } catch (second) {
    fail('The grants could not be read', second);
  }
}

async function check(text: string, signal: AbortSignal): Promise<void> {
  try {
    const result = await api.checkPolicy({ text }, signal);
    if (!signal.aborted) usePolicy.setState({ check: result });
  } catch (error) {
    if (!signal.aborted) fail('The text could not be checked', error);
  }
}

function adopt(base: PolicyState): void {
  checking?.abort();
  usePolicy.setState(({ check: _, conflict: __, failed: ___, ...rest }) => {
    const before = rest.base === undefined ? [] : (readGrants(rest.base.text) ?? []);
    return { ...rest, base, draft: base.text, known: union(rest.known, before) };
  }, true);
}

function union(one: readonly Grant[], other: readonly Grant[]): readonly Grant[] {
  return [...new Map([...one, ...other].map((grant) => [grantKey(grant), grant])).values()];
}

function fail(title: string, error: unknown): void {
  usePolicy.setState({ failed: { title, problem: toProblem(error) } });
}
