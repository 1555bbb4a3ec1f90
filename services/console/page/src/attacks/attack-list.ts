/** Attacks in their groups, those that a search leaves, and what came of them. */
import type { AttackDescription, AttackResult } from '../../../src/wire/actions.ts';
import type { ApiProblem } from '../api/problem.ts';

/** What is known of one attack's last run. */
export type Run =
  | { readonly state: 'waiting' }
  | { readonly state: 'running' }
  | { readonly state: 'done'; readonly result: AttackResult }
  | { readonly state: 'failed'; readonly problem: ApiProblem };

/** Runs by attack. */
export type Runs = Readonly<Record<string, Run>>;

/** What is looked for. */
export interface Search {
  readonly words: string;
  readonly transport: AttackDescription['transport'] | 'all';
}

/** Attacks of one kind. */
export interface AttackGroup {
  readonly id: string;
  readonly title: string;
  readonly what: string;
  readonly attacks: readonly AttackDescription[];
}

/** What the matrix calls its groups, for people. One that is not here is shown by its own name. */
const GROUPS: Readonly<Record<string, readonly [title: string, what: string]>> = {
  caller: ['Who calls', 'Every kind of caller, from the proper one to a certificate that only looks like one of ours.'],
  headers: ['Forged headers', 'Headers claim another caller or another host. No header says who called.'],
  http: [
    'HTTP tricks',
    'Paths, methods and framing that are meant to be read one way by the check and another way by the handler.',
  ],
  grpc: ['gRPC tricks', 'Methods, metadata and frames that are not as the contract says.'],
  tls: ['The connection', 'No TLS, an older one, a resumed session, early data.'],
  life: [
    'Copied keys',
    'A thief has the key as well: only the end of the certificate’s short life, or of its CA, shuts him out.',
  ],
  chain: ['Caller chains', 'Links that are missing, repeated, cut, signed by another, or made for another call.'],
};

/** The matrix's name of an attack that is nothing but a caller; also of the caller that shows no certificate. */
const NONE = 'none';

/** What the attack is called: by its trick, or by who calls where that is all of it. */
export function titleOf({ attack, caller }: Pick<AttackDescription, 'attack' | 'caller'>): string {
  if (attack !== NONE) return attack;
  return caller === NONE ? 'no certificate' : caller;
}

/** Who calls, for people. */
export function callerOf({ caller }: Pick<AttackDescription, 'caller'>): string {
  return caller === NONE ? 'nobody known' : caller;
}

/** Groups with what the search leaves of them, in the order in which the matrix has them; none that is empty. */
export function groupsOf(attacks: readonly AttackDescription[], search: Search, runs: Runs): readonly AttackGroup[] {
  const found = attacks.filter((attack) => matches(attack, search, runs[attack.id]));
  return [...new Set(found.map(({ group }) => group))].map((id) => {
    const [title, what] = GROUPS[id] ?? [id, ''];
    return { id, title, what, attacks: found.filter(({ group }) => group === id) };
  });
}

/** Every word has to be somewhere in what is shown of the attack, its verdict included. */
function matches(attack: AttackDescription, { words, transport }: Search, run: Run | undefined): boolean {
  if (transport !== 'all' && attack.transport !== transport) return false;
  const verdict = run?.state === 'done' ? run.result.verdict : '';
  const { what, caller, server, operation } = attack;
  const shown = [titleOf(attack), what, caller, server, operation, attack.transport, verdict].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => shown.includes(word));
}

/** How many of them ended how. */
export interface Tally {
  readonly total: number;
  readonly run: number;
  /** As it must be: refused, or a proper call served. */
  readonly right: number;
  readonly limit: number;
  readonly wrong: number;
  readonly failed: number;
}

/** Counts runs of these attacks. */
export function tallyOf(attacks: readonly AttackDescription[], runs: Runs): Tally {
  const count = { total: attacks.length, run: 0, right: 0, limit: 0, wrong: 0, failed: 0 };
  for (const { id } of attacks) {
    const run = runs[id];
    if (run?.state === 'failed') count.failed += 1;
    if (run?.state !== 'done') continue;
    count.run += 1;
    if (run.result.verdict === 'wrong') count.wrong += 1;
    else if (run.result.verdict === 'limit') count.limit += 1;
    else count.right += 1;
  }
  return count;
}

/** The tally in words. */
export function sayTally({ total, run, right, limit, wrong, failed }: Tally): string {
  if (run + failed === 0) return `${total} ${total === 1 ? 'attack' : 'attacks'}`;
  const parts = [`${right} of ${total} as it must be`];
  if (limit > 0) parts.push(`${limit} known ${limit === 1 ? 'limit' : 'limits'}`);
  if (wrong > 0) parts.push(`${wrong} wrong`);
  if (failed > 0) parts.push(`${failed} could not be tried`);
  return parts.join(', ');
}
