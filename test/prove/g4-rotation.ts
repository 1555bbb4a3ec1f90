/** G4: rotations and a change of the CA under load, and what becomes of an identity that somebody kept. */
import { setTimeout as pause } from 'node:timers/promises';
import { createStaticX509Source, type X509Source } from '@countersign/spiffe-tls';
import { createPushCounter, type Pushes } from '../spire/push-count.ts';
import { callHttps } from './calls.ts';
import { EDGES, type EdgeWatch, watchEdges } from './edges.ts';
import type { Experiment } from './experiment.ts';
import type { Lab } from './lab.ts';
import { type Load, startLoad } from './load.ts';
import { atLeast, type Notebook, oneOf, otherThan } from './notebook.ts';

/** The experiments. */
export const rotationExperiments: readonly Experiment[] = [
  {
    id: 'G4.1',
    kind: 'claim',
    title:
      'Every SVID is rotated again and again, and the CA once, under load: no call fails, and what was kept of the old CA is refused',
    run: rotateUnderLoad,
  },
];

/** How long the edges, and the old root, may take after the last rotation. */
const SETTLES_MS = 60_000;
const LOOK_MS = 200;
/** The root's coming and going are each one, and so are the SVIDs of the new CA. */
const MIN_PUSHES = 3;

async function rotateUnderLoad(lab: Lab, notes: Notebook): Promise<void> {
  const edges = watchEdges(lab);
  const pushes = lab.trust.provider === 'spire' ? watchPushes(lab) : undefined;
  const load = await startLoad(lab.system.customerUrl);
  const startedAt = performance.now();
  try {
    await untilTrue(() => EDGES.every((edge) => edges.edges.has(edge)) && load.calls.every((it) => it.succeeded > 0));
    const { kept, roots } = await rotateAll(lab, notes, startedAt);
    await untilTrue(() => EDGES.every((edge) => isReplaced(edges, edge)));
    await untilAsync(async () => (await lab.control.roots()).length === 1);
    await pause(Math.max(0, lab.effort.seconds * 1_000 - (performance.now() - startedAt)));
    await describeRoots(lab, notes, roots);
    await presentKept(lab, notes, kept);
  } finally {
    await load.stop();
    edges.stop();
    pushes?.stop();
  }
  describeLoad(notes, load, (performance.now() - startedAt) / 1_000);
  describeEdges(notes, edges);
  if (pushes !== undefined) describePushes(notes, pushes.counts);
}

/** A copy of each identity with its key, as a thief would take it, and a look whether it is worth anything. */
async function keepIdentities(lab: Lab, notes: Notebook): Promise<ReadonlyMap<string, X509Source>> {
  notes.step('Somebody copies the SVID and the key of every workload');
  const kept = new Map<string, X509Source>();
  for (const name of lab.system.identities.names()) {
    const { svid, bundles } = (await lab.sourceAs(name)).current();
    kept.set(name, createStaticX509Source({ svid, svids: [svid], bundles }));
    notes.measure(`${name}, serial and end`, [svid.leaf.serialNumber, new Date(svid.leaf.notAfterMs).toISOString()]);
  }
  const copy = kept.get('customer');
  if (copy === undefined) throw new TypeError('prove: there is no customer');
  const answer = await callHttps(copy, lab.targets.backendHttps, { path: '/hello' });
  notes.check("customer's copy is good for now: GET /hello", 200, answer.status);
  return kept;
}

/** What is left of the CA that was. */
interface Former {
  readonly kept: ReadonlyMap<string, X509Source>;
  readonly roots: readonly string[];
}

/** Rotations spread over the time; the CA is changed after half of them, and everybody's identity copied just before. */
async function rotateAll(lab: Lab, notes: Notebook, startedAt: number): Promise<Former> {
  const { rotations, seconds } = lab.effort;
  const roots = await lab.control.roots();
  const serialOf = async (name: string) => (await lab.sourceAs(name)).current().svid.leaf.serialNumber;
  let kept: ReadonlyMap<string, X509Source> = new Map();
  let changes = 0;
  const stop = lab.onRecord((program, record) => {
    if (
      program === 'backend' &&
      record['event'] === 'identity' &&
      JSON.stringify(record['changed'] ?? {}).includes('"svid":true')
    )
      changes += 1;
  });
  try {
    for (let done = 1; done <= rotations; done += 1) {
      const isHalf = done === Math.ceil(rotations / 2);
      const former = await serialOf('customer');
      await lab.control.rotate();
      if (isHalf) {
        // The copies shall be young: they are still within their life when they are presented.
        await untilAsync(async () => (await serialOf('customer')) !== former);
        kept = await keepIdentities(lab, notes);
        await lab.control.rotateCa();
      }
      const next = (done * seconds * 1_000) / (rotations + 1) - (performance.now() - startedAt);
      if (done < rotations) await pause(Math.max(0, next));
    }
    // SPIRE's agent takes some of them together.
    await untilTrue(() => changes >= (lab.trust.provider === 'spire' ? 2 : rotations + 1));
  } finally {
    stop();
  }
  notes.step('Rotations');
  notes.measure('rotations of every SVID, and changes of the CA', [rotations, 1]);
  notes.check('new SVIDs that backend was given', atLeast(lab.trust.provider === 'spire' ? 2 : rotations + 1), changes);
  return { kept, roots };
}

async function describeRoots(lab: Lab, notes: Notebook, before: readonly string[]): Promise<void> {
  const after = await lab.control.roots();
  notes.check('roots in the bundle before and after', [1, 1], [before.length, after.length]);
  notes.check(
    'the old root is still among them',
    false,
    after.some((root) => before.includes(root)),
  );
}

async function presentKept(lab: Lab, notes: Notebook, old: ReadonlyMap<string, X509Source>): Promise<void> {
  notes.step('The copies are presented to backend, while the load goes on');
  for (const [name, copy] of old) {
    const { svid } = copy.current();
    // Its bundle is of the former CA: the thief gets the present one, so that the server is who refuses.
    const { bundles } = (await lab.sourceAs(name)).current();
    const source = createStaticX509Source({ svid, svids: [svid], bundles });
    const isWithinItsLife = Date.now() < svid.leaf.notAfterMs;
    const answer = await callHttps(source, lab.targets.backendHttps, { path: '/hello' });
    notes.check(`${name}: still within its life`, true, isWithinItsLife);
    if (!notes.check(`${name}: GET /hello answered`, false, answer.status === 200)) continue;
    const refusal = await lab.refusalOf('backend', answer.port);
    notes.check(`${name}: code in backend's log`, 'UNTRUSTED_CHAIN', String(refusal['code']));
    notes.check(`${name}: whom it refused`, lab.idOf(name), String(refusal['peerId']));
  }
}

function describeLoad(notes: Notebook, load: Load, seconds: number): void {
  notes.step(`Load over ${seconds.toFixed(0)} s, from before the first rotation to after the last refusal`);
  for (const { name, succeeded, failures } of load.calls) {
    notes.check(`${name}: failed`, 0, failures.length);
    if (failures[0] !== undefined) notes.measure(`${name}: the first failure`, failures[0]);
    notes.check(`${name}: succeeded`, atLeast(Math.floor(seconds)), succeeded);
  }
  notes.check('the open stream ended', false, load.stream.ended);
  notes.check('orders that it brought', atLeast(Math.floor(seconds)), load.stream.orders);
}

function describeEdges(notes: Notebook, { edges }: EdgeWatch): void {
  notes.step('Serial numbers on the wire');
  for (const edge of EDGES) {
    const seen = edges.get(edge);
    const [clientBefore, serverBefore] = seen?.first ?? [];
    notes.check(`${edge}: client, from ${clientBefore}`, otherThan(clientBefore), seen?.latest[0]);
    notes.check(`${edge}: server, from ${serverBefore}`, otherThan(serverBefore), seen?.latest[1]);
    notes.measure(`${edge}: serials seen of client and server`, [seen?.clients.size, seen?.servers.size]);
  }
}

/** On SPIRE the agent itself says what it sent to whom. */
function watchPushes(lab: Lab): { readonly counts: readonly Pushes[]; stop(): void } {
  const counter = createPushCounter();
  const stop = lab.onRecord(counter.onRecord);
  let counts: readonly Pushes[] = [];
  return {
    get counts() {
      return counts;
    },
    stop() {
      stop();
      counts = counter.count(lab.system.pidOf);
    },
  };
}

function describePushes(notes: Notebook, pushes: readonly Pushes[]): void {
  notes.step("SVIDs and bundles that SPIRE's agent pushed, by its own log");
  for (const { program, sent, taken } of pushes) {
    notes.check(`${program}: pushes that were sent`, atLeast(MIN_PUSHES), sent);
    // As the old root is tainted everybody is sent once more what he has: there is nothing to take.
    notes.check(`${program}: pushes that were taken`, oneOf(sent - 1, sent), taken);
  }
}

function isReplaced({ edges }: EdgeWatch, edge: string): boolean {
  const seen = edges.get(edge);
  return seen !== undefined && seen.first[0] !== seen.latest[0] && seen.first[1] !== seen.latest[1];
}

async function untilTrue(isTrue: () => boolean): Promise<void> {
  await untilAsync(() => Promise.resolve(isTrue()));
}

/** Looks again and again; gives up after a while, and the checks that follow say what is missing. */
async function untilAsync(isTrue: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + SETTLES_MS;
  while (!(await isTrue()) && performance.now() < endsAt) await pause(LOOK_MS);
}
