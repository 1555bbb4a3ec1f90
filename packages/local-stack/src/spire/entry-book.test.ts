import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpireEntry } from './entries.ts';
import { createEntryBook } from './entry-book.ts';

const entry = (name: string): SpireEntry => ({
  entry_id: name,
  spiffe_id: `spiffe://example.org/${name}`,
  parent_id: 'spiffe://example.org/agent',
  selectors: [],
  x509_svid_ttl: 60,
  jwt_svid_ttl: 60,
  dns_names: [],
});

/** A server that keeps entries. */
function server(...names: string[]) {
  const kept = new Map(names.map((name) => [name, entry(name)]));
  const book = createEntryBook(
    {
      entryIds: async () => new Set(kept.keys()),
      createEntry: async (made) => void kept.set(made.entry_id, made),
      updateEntries: async (entries) => {
        for (const each of entries) kept.set(each.entry_id, each);
      },
      deleteEntry: async (id) => void kept.delete(id),
    },
    names.map(entry),
  );
  return { kept, book };
}

describe('the book of entries', () => {
  it('an entry that somebody deleted at the server is not there, and not written to', async () => {
    const { kept, book } = server('web', 'db');
    kept.delete('web');
    assert.deepEqual([...(await book.present()).keys()], ['db']);
    await book.update(['web', 'db'], (each) => ({ ...each, hint: 'new' }));
    assert.deepEqual(
      [...kept.values()].map(({ entry_id, hint }) => [entry_id, hint]),
      [['db', 'new']],
    );
  });

  it('a workload that is given an entry again has another ID, by which it is changed and deleted', async () => {
    const { kept, book } = server('web');
    await book.delete('web');
    assert.equal(kept.size, 0);
    await book.create('web', (each) => ({ ...each, spiffe_id: 'spiffe://example.org/other' }));
    const [made] = kept.values();
    assert.match(String(made?.entry_id), /^web-[0-9a-f-]{36}$/);
    await book.update(['web'], (each) => ({ ...each, hint: 'new' }));
    const [changed] = kept.values();
    assert.deepEqual(changed, { ...made, hint: 'new' });
    await book.delete('web');
    assert.equal(kept.size, 0);
  });

  it('what was changed of an entry stays when something else of it is changed', async () => {
    const { kept, book } = server('web');
    await book.update(['web'], (each) => ({ ...each, federates_with: ['spiffe://partner.example'] }));
    await book.update(['web'], (each) => ({ ...each, hint: 'new' }));
    assert.deepEqual(kept.get('web')?.federates_with, ['spiffe://partner.example']);
  });

  it('nobody else is given an entry', async () => {
    const { book } = server('web');
    await assert.rejects(
      book.create('nobody', (each) => each),
      TypeError,
    );
  });
});
