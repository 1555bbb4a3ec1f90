/**
 * What becomes of an identity and of a copy of its key: withdrawn it is presented no more; the copy works until its
 * `notAfter` or until its CA leaves the bundle, and never longer. X.509-SVIDs have no revocation.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fetchX509Context, SpiffeTlsError } from '@countersign/spiffe-tls';
import { attempt } from './attempts.ts';
import { mint } from './ca-key.ts';
import type { Cell } from './cells.ts';
import { handshakeRefusal, letIn } from './expectations.ts';
import type { Expected, Seen } from './outcome.ts';
import { callerOf, WAYS, type Way } from './table.ts';
import type { OwnWorld, World } from './world.ts';

/** Name and meaning of each. */
export const LIFE_ATTACKS: readonly (readonly [name: string, what: string])[] = [
  ['copied key, CA in the bundle', "another process with a copy of a permitted caller's key: nothing tells it apart"],
  ['copied key, CA left', 'the same copy, not ended, after its CA left the bundle'],
  ['copied key, ended', 'a copy before and after its `notAfter`'],
  ['withdrawn', 'a workload whose registration was deleted asks for its identity'],
  ['copied key, withdrawn', 'a copy made before that: it works on, as the threat model says'],
];

/** All cells. Those after a withdrawal come last, in this order. */
export function lifeCells(): Cell<OwnWorld>[] {
  const list = wayOf('GET /orders');
  const [customer, auditor] = [callerOf('customer'), callerOf('auditor')];
  const [copied, ended] = copyCells();
  return [
    // The very copy that is tried again after its CA left.
    { ...copied, run: (world) => Promise.resolve(world.copyWorked) },
    ...WAYS.filter(({ server }) => ['backend', 'echo'].includes(server)).map((way) => ({
      ...named(way, 'customer', 'copied key, CA left'),
      expected: handshakeRefusal({ refusal: 'UNTRUSTED_CHAIN' }, way),
      run: (world: OwnWorld) => attempt(world, customer, way, { material: world.copiedBefore }),
    })),
    ended,
    {
      ...named(list, 'auditor', 'withdrawn'),
      last: true,
      expected: { verdict: 'no', reason: 'PermissionDenied', wire: 'the Workload API: PermissionDenied', records: [] },
      run: withdrawn,
    },
    {
      ...named(list, 'auditor', 'copied key, withdrawn'),
      last: true,
      expected: (world) => limit(letIn(auditor, list, world)),
      run: (world) => attempt(world, auditor, list),
    },
  ];
}

/** Those that change nothing. */
export function copyCells(): [copied: Cell, ended: Cell] {
  const hello = wayOf('GET /hello');
  const customer = callerOf('customer');
  return [
    {
      ...named(hello, 'customer', 'copied key, CA in the bundle'),
      expected: (world) => limit(letIn(customer, hello, world)),
      run: (world) => attempt(world, customer, hello),
    },
    {
      ...named(hello, 'customer', 'copied key, ended'),
      expected: { ...handshakeRefusal({ refusal: 'EXPIRED' }, hello), wire: 'HTTP 200, then closed' },
      run: (world) => untilItEnds(world, hello),
    },
  ];
}

function limit(expected: Expected): Expected {
  return { ...expected, verdict: 'limit', reason: 'no revocation before notAfter' };
}

function wayOf(operation: string): Way {
  const way = WAYS.find((each) => each.operation === operation);
  if (way === undefined) throw new TypeError(`matrix: the table has no way ${operation}`);
  return way;
}

function named(way: Way, caller: string, attack: string) {
  return { caller, way, attack };
}

/** The same certificate before and after its end, on a connection of its own each time. */
async function untilItEnds(world: World, way: Way): Promise<Seen> {
  const dnsName = world.dnsNameOf('customer');
  const notAfter = new Date(Date.now() + 2_000);
  const names = { uris: [world.idOf('customer')], dnsNames: [dnsName], commonName: dnsName };
  const material = await mint(world.issuer, { ...names, notAfter });
  const before = await attempt(world, callerOf('customer'), way, { material });
  // Valid through the whole second that notAfter names.
  await pause(notAfter.getTime() - Date.now() + 1_100);
  const after = await attempt(world, callerOf('customer'), way, { material });
  return { ...after, wire: `${before.wire}, then ${after.wire}` };
}

/** How long one question may take: its asker goes on asking as long, because a registration may still come. */
const QUESTION_MS = 1_000;
/** A Workload API that says nothing by then says nothing. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 250;

async function withdrawn(world: OwnWorld): Promise<Seen> {
  // The copy is made first.
  await world.credentials.member('auditor');
  const endpoint = await world.authority.socketAs('auditor');
  await world.authority.control.withdraw('auditor');
  const startedAt = performance.now();
  for (;;) {
    const { said, ...seen } = await askForIdentity(endpoint);
    const waitsMs = { identity: world.authority.forgetsWithinMs, refusal: 0, nothing: PATIENCE_MS }[said];
    if (performance.now() - startedAt >= waitsMs) return seen;
    await pause(PAUSE_MS);
  }
}

async function askForIdentity(endpoint: string): Promise<Seen & { readonly said: 'identity' | 'refusal' | 'nothing' }> {
  try {
    const { svid } = await fetchX509Context({ endpoint, timeoutMs: QUESTION_MS });
    return { said: 'identity', wire: `an identity: ${svid.id}` };
  } catch (error) {
    if (!(error instanceof SpiffeTlsError)) throw error;
    const isRefusal = /permission_?denied/i.test(error.message);
    const status = isRefusal ? 'PermissionDenied' : error.code;
    return { said: isRefusal ? 'refusal' : 'nothing', wire: `the Workload API: ${status}`, detail: error.message };
  }
}
