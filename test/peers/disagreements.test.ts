/**
 * docs/reference/disagreements.md and the tests know the same differences.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  chainDisagreements,
  derDisagreements,
  documentDisagreements,
  idDisagreements,
  opensslDisagreements,
  pemDisagreements,
  tokenDisagreements,
  trustDomainDisagreements,
} from './disagreements.ts';

test('every documented difference is one that the tests look for, and the other way round', () => {
  const goSpiffe = [
    idDisagreements,
    trustDomainDisagreements,
    documentDisagreements,
    derDisagreements,
    pemDisagreements,
    tokenDisagreements,
    chainDisagreements,
  ];
  const found = new Map<string, Set<string>>();
  for (const [against, ids] of [
    ['go-spiffe', goSpiffe.flatMap((group) => group.map(({ id }) => id))],
    ['openssl', opensslDisagreements.map(({ id }) => id)],
  ] as const)
    for (const id of ids) found.set(id, (found.get(id) ?? new Set()).add(against));
  const expected = [...found].map(([id, against]) => `${id}: ${against.size > 1 ? 'both' : [...against].join()}`);
  const text = readFileSync(new URL('../../docs/reference/disagreements.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| `([a-z0-9-]+)` \| ([a-z-]+) \|/gm)].map(
    ([, id, against]) => `${id}: ${against}`,
  );
  assert.deepEqual(documented.sort(), expected.sort());
});
