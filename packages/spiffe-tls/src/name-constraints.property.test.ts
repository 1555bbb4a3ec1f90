/**
 * Properties of name constraints: a further constraint never lets a name pass that did not pass before.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearBytes, propertyRuns, sequence, tlv } from '@countersign/testkit';
import fc from 'fast-check';
import { attempt } from '../test/attempt.ts';
import type { GeneralName } from './general-name.ts';
import { checkNameConstraints, type NameConstraints, parseNameConstraints } from './name-constraints.ts';

const host = fc.constantFrom(
  'example.org',
  'a.example.org',
  'b.a.example.org',
  'example.com',
  'ample.org',
  'EXAMPLE.org',
);
const base: fc.Arbitrary<GeneralName> = fc.record({
  form: fc.constantFrom(2, 6),
  text: fc.oneof(
    host,
    host.map((name) => `.${name}`),
    fc.constant(''),
  ),
});
const name: fc.Arbitrary<GeneralName> = fc.oneof(
  host.map((text) => ({ form: 2, text })),
  host.map((text) => ({ form: 2, text: `*.${text}` })),
  host.map((text) => ({ form: 6, text: `spiffe://${text}/x` })),
  fc.constantFrom<GeneralName>({ form: 6, text: 'urn:x' }, { form: 6, text: 'spiffe://u@example.org/x' }),
);
const constraints: fc.Arbitrary<NameConstraints> = fc.record({
  permitted: fc.array(base, { maxLength: 3 }),
  excluded: fc.array(base, { maxLength: 3 }),
});

function passes(rules: NameConstraints, subjectAltNames: readonly GeneralName[]): boolean {
  const names = { subjectAltNames, subjectEmpty: true };
  return attempt(['NAME_CONSTRAINT'], () => checkNameConstraints(rules, names) ?? true) !== undefined;
}

test('L16 property: a further excluded subtree, or a first permitted one, never widens', () => {
  fc.assert(
    fc.property(constraints, base, fc.array(name, { maxLength: 3 }), ({ permitted, excluded }, more, names) => {
      if (passes({ permitted, excluded: [...excluded, more] }, names))
        assert.ok(passes({ permitted, excluded }, names));
      const others = permitted.filter(({ form }) => form !== more.form);
      const narrowed = { permitted: [...others, more], excluded };
      if (passes(narrowed, names)) assert.ok(passes({ permitted: others, excluded }, names));
    }),
    propertyRuns(1000),
  );
});

test('L16 property: names pass together exactly if each passes alone', () => {
  fc.assert(
    fc.property(constraints, fc.array(name, { maxLength: 4 }), (rules, names) => {
      assert.equal(
        passes(rules, names),
        names.every((one) => passes(rules, [one])),
      );
    }),
    propertyRuns(1000),
  );
});

test('L16 property: what is excluded is never permitted, and a permitted host is found whatever its case', () => {
  fc.assert(
    fc.property(host, fc.array(base, { maxLength: 3 }), (text, permitted) => {
      const uri = { form: 6, text: `spiffe://${text}/x` };
      const same = { form: 6, text };
      assert.equal(passes({ permitted, excluded: [same] }, [uri]), false);
      assert.equal(passes({ permitted: [{ form: 6, text: text.toUpperCase() }], excluded: [] }, [uri]), true);
    }),
    propertyRuns(300),
  );
});

test('T15 property: bytes near an extension are constraints that say no less, or are refused', () => {
  const subtree = (tag: number, text: string) => sequence(tlv(tag, Buffer.from(text)));
  const value = sequence(
    tlv(0xa0, subtree(0x86, 'example.org'), subtree(0x82, '.example.org')),
    tlv(0xa1, subtree(0x86, 'a.example.org'), subtree(0x81, 'example.org')),
  );
  fc.assert(
    fc.property(nearBytes(value), (bytes) => {
      const read = attempt(['CERTIFICATE_MALFORMED'], () => parseNameConstraints(bytes));
      if (read !== undefined) assert.ok(read.permitted.length + read.excluded.length > 0, 'none is no constraint');
    }),
    propertyRuns(800),
  );
});
