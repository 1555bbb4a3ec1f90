/**
 * The registration entries of a running system, as they are now. The server says which of those that were made are still
 * there: whoever has `spire-server` may delete one beside us.
 */
import { randomUUID } from 'node:crypto';
import type { SpireCommands } from './control.ts';
import type { SpireEntry } from './entries.ts';

/** What is changed of an entry; its ID and its workload stay. */
export type EntryChange = (entry: SpireEntry) => SpireEntry;

/** The book. A workload is known by its name in `identities.json`. */
export interface EntryBook {
  /** Workloads that have an entry, with it. */
  present(): Promise<ReadonlyMap<string, SpireEntry>>;
  /** Changes the entries of these workloads; those without one are left out. */
  update(workloads: Iterable<string>, change: EntryChange): Promise<void>;
  delete(workload: string): Promise<void>;
  /** Gives a workload an entry, made from the one that it had first. */
  create(workload: string, change: EntryChange): Promise<void>;
}

/** @param entries as the system began with; the ID of each is its workload's name */
export function createEntryBook(
  spire: Pick<SpireCommands, 'entryIds' | 'createEntry' | 'updateEntries' | 'deleteEntry'>,
  entries: readonly SpireEntry[],
): EntryBook {
  const known = new Map(entries.map((entry) => [entry.entry_id, entry]));
  const firstOf = (workload: string): SpireEntry => {
    const entry = entries.find(({ entry_id: id }) => id === workload);
    if (entry === undefined) throw new TypeError(`local-stack: identities.json has no workload ${workload}`);
    return entry;
  };
  const present = async () => {
    const ids = await spire.entryIds();
    return new Map([...known].filter(([, { entry_id: id }]) => ids.has(id)));
  };
  return {
    present,
    async update(workloads, change) {
      const found = await present();
      const changed = [...workloads].flatMap((name) => {
        const entry = found.get(name);
        return entry === undefined ? [] : [[name, change(entry)] as const];
      });
      if (changed.length > 0) await spire.updateEntries(changed.map(([, entry]) => entry));
      for (const [name, entry] of changed) known.set(name, entry);
    },
    async delete(workload) {
      await spire.deleteEntry((known.get(workload) ?? firstOf(workload)).entry_id);
      known.delete(workload);
    },
    async create(workload, change) {
      // The agent knows an entry by ID and revision: under its old ID it would be the one that it already has.
      const entry = { ...change(firstOf(workload)), entry_id: `${workload}-${randomUUID()}` };
      await spire.createEntry(entry);
      known.set(workload, entry);
    },
  };
}
