/**
 * Inputs near valid ones, for property tests: what is wholly random is refused at its first byte and finds nothing.
 */
import fc from 'fast-check';

interface Edit {
  readonly kind: 'replace' | 'insert' | 'delete' | 'repeat' | 'cut';
  /** Where, in so many parts of the whole as there are places. */
  readonly at: number;
  readonly length: number;
  readonly filler: number;
}

const PLACES = 65_536;

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record<Edit>({
    kind: fc.constantFrom('replace', 'insert', 'delete', 'repeat', 'cut'),
    // Without bias, which favours small numbers, so that all places are as likely.
    at: fc.noBias(fc.nat({ max: PLACES - 1 })),
    length: fc.integer({ min: 1, max: 8 }),
    filler: fc.nat({ max: 255 }),
  }),
  { maxLength: 4 },
);

/** One of `valid`, changed in few places or not at all. */
export function nearBytes(...valid: readonly [Uint8Array, ...Uint8Array[]]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.constantFrom(...valid), edits).map(([bytes, changes]) => {
    return Uint8Array.from(
      changes.reduce<readonly number[]>((list, edit) => edited(list, edit, edit.filler), [...bytes]),
    );
  });
}

/** One of `valid`, changed in few places or not at all, by characters of `alphabet`. */
export function nearText(alphabet: string, ...valid: readonly [string, ...string[]]): fc.Arbitrary<string> {
  const letters = Array.from(alphabet);
  return fc.tuple(fc.constantFrom(...valid), edits).map(([text, changes]) => {
    const filler = (edit: Edit): string => letters[edit.filler % letters.length] ?? '';
    return changes
      .reduce<readonly string[]>((list, edit) => edited(list, edit, filler(edit)), Array.from(text))
      .join('');
  });
}

function edited<Item>(list: readonly Item[], { kind, at, length }: Edit, filler: Item): readonly Item[] {
  const from = Math.floor((at / PLACES) * list.length);
  if (kind === 'cut') return list.slice(0, from);
  const [removed, added] = {
    replace: [1, [filler]],
    insert: [0, [filler]],
    delete: [length, []],
    repeat: [0, list.slice(from, from + length)],
  }[kind] as [number, readonly Item[]];
  return [...list.slice(0, from), ...added, ...list.slice(from + removed)];
}

/** Texts that are SPIFFE IDs, or nearly so. */
export function nearSpiffeId(): fc.Arbitrary<string> {
  const host = fc.stringMatching(/^[a-z0-9._-]{1,20}$/);
  const segment = fc.oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/) },
    fc.constantFrom('', '.', '..', '...', '%2e', 'a%', 'ä', '\0', 'a b'),
  );
  const proper = fc
    .tuple(host, fc.array(segment, { maxLength: 5 }))
    .map(([name, segments]) => [`spiffe://${name}`, ...segments].join('/'));
  const hostile = nearText(
    'aZ09._-/%?#:@\\ é\0\n[]',
    'spiffe://example.org/workload',
    'spiffe://example.org',
    'spiffe://user@example.org:443/a/b?c#d',
    'SPIFFE://example.org/a',
    `spiffe://${'a'.repeat(255)}/b`,
    `spiffe://a/${'b'.repeat(2037)}`,
  );
  return fc.oneof(proper, hostile, fc.string());
}
