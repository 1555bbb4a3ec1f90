/** Operations on identities: which run, and what came of the last ones. Kept while another tab is open. */
import { create } from 'zustand';
import type { PartnerCallResult } from '../../../src/wire/actions.ts';
import { api, type IdentityOperation } from '../api/api.ts';
import { type ApiProblem, toProblem } from '../api/problem.ts';
import { notify } from '../design/notify.ts';
import { useLive } from '../live/live-store.ts';
import { serialsOf } from './workload-list.ts';

/** What an operation is called in a sentence. */
const NAMES: Readonly<Record<IdentityOperation, string>> = {
  rotate: 'The rotation',
  'rotate-ca': 'The roll of the CA',
  withdraw: 'The withdrawal',
  give: 'The registration',
  federate: 'Federation',
  unfederate: 'Leaving the federation',
};

export interface Identities {
  /** Keys of what runs: {@link keyOf}. */
  readonly running: ReadonlySet<string>;
  readonly failed?: { readonly title: string; readonly problem: ApiProblem };
  /** Serial numbers when the roll of the CA began. */
  readonly rolledFrom?: Readonly<Record<string, string>>;
  readonly partnerCalls: boolean;
  readonly partnerCall?: PartnerCallResult;
}

export const useIdentities = create<Identities>(() => ({ running: new Set(), partnerCalls: false }));

export const keyOf = (operation: IdentityOperation, workload?: string) => `${operation} ${workload ?? 'all'}`;

/** Does it, and says what it did. Does nothing while the same runs. Never rejects. @returns whether it was done */
export async function operate(operation: IdentityOperation, workload?: string): Promise<boolean> {
  const key = keyOf(operation, workload);
  if (useIdentities.getState().running.has(key)) return false;
  useIdentities.setState(({ running, failed: _, ...rest }) => ({ ...rest, running: new Set([...running, key]) }), true);
  try {
    const { done } = await api.identity(operation, workload === undefined ? {} : { workload });
    notify({ kind: 'good', title: done });
    return true;
  } catch (error) {
    useIdentities.setState({ failed: { title: `${NAMES[operation]} failed`, problem: toProblem(error) } });
    return false;
  } finally {
    useIdentities.setState(({ running }) => ({ running: new Set([...running].filter((each) => each !== key)) }));
  }
}

/** Replaces the CA; who has a certificate of the new one is counted from here on. */
export async function rollCa(): Promise<void> {
  useIdentities.setState({ rolledFrom: serialsOf(useLive.getState().workloads) });
  await operate('rotate-ca');
}

/** The partner's workload calls ours, for real. Never rejects. */
export async function callAsPartner(): Promise<void> {
  if (useIdentities.getState().partnerCalls) return;
  useIdentities.setState(({ failed: _, partnerCall: __, ...rest }) => ({ ...rest, partnerCalls: true }), true);
  try {
    useIdentities.setState({ partnerCall: await api.partnerCall() });
  } catch (error) {
    useIdentities.setState({ failed: { title: 'The partner’s call could not be made', problem: toProblem(error) } });
  } finally {
    useIdentities.setState({ partnerCalls: false });
  }
}
