/**
 * A text of grants on a policy engine of its own, in this process, before any service sees it: the same engine, bundle and
 * smoke queries as theirs, over a copy of the folder that they follow.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { createPolicyEngine, type PolicyEngine } from '@countersign/authz';
import type { PolicyPlace } from './policy-place.ts';

/** How an engine took a text. */
export type Rehearsed<Result> =
  | { readonly taken: true /** As services will log it. */; readonly revision: string; readonly result: Result }
  | { readonly taken: false; readonly why: string };

/**
 * Loads the text and, when the engine takes it, asks.
 * @param ask called with the engine, which is closed when it returns
 */
export async function rehearse<Result>(
  place: PolicyPlace,
  text: string,
  ask: (engine: PolicyEngine) => Result,
): Promise<Rehearsed<Result>> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-grants-'));
  try {
    const filter = (path: string) => path === place.folder || !basename(path).startsWith('.');
    await cp(place.folder, folder, { recursive: true, dereference: true, filter });
    await writeFile(join(folder, relative(place.folder, place.grants)), text);
    const options = { bundlePath: place.bundle, dataPath: folder, watchIntervalMs: 0, dataIntervalMs: 0 };
    const engine = await createPolicyEngine(options);
    return asked(engine, ask);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function asked<Result>(engine: PolicyEngine, ask: (engine: PolicyEngine) => Result): Rehearsed<Result> {
  try {
    const status = engine.status();
    // An engine that refuses data decides by the bundle's own: that is not what was asked.
    if (status.error !== undefined) return { taken: false, why: status.error.message };
    if (status.state !== 'loaded') return { taken: false, why: 'no policy was loaded' };
    return { taken: true, revision: status.revision, result: ask(engine) };
  } finally {
    engine.close();
  }
}
