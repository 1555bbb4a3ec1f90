import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpiffeTlsError } from './errors.ts';
import { TrustDomain } from './trust-domain.ts';

const accepted = [
  ['a name', 'example.org'],
  ['L3 two dots in a row', 'example..org'],
  ['L3 a leading hyphen', '-x'],
  ['L3 an IPv4-like name', '1.2.3.4'],
  ['L3 an underscore', 'a_b'],
  ['L3 dots alone', '..'],
  ['L5 255 bytes', 'a'.repeat(255)],
] as const;

const refused = [
  ['L1 nothing', ''],
  ['L2 upper case', 'Example.org'],
  ['L2 a port', 'example.org:443'],
  ['L2 userinfo', 'user@example.org'],
  ['L2 percent-encoding', 'ex%61mple.org'],
  ['L2 a slash', 'example.org/'],
  ['L2 a scheme', 'spiffe://example.org'],
  ['L2 white space', ' example.org'],
  ['L2 a line break at the end', 'example.org\n'],
  ['L2 a letter outside ASCII', 'exämple.org'],
  ['L2 the Kelvin sign, which lower-cases to k', '\u212aelvin.org'],
  ['L2 NUL', 'example.org\0'],
  ['L5 256 bytes', 'a'.repeat(256)],
] as const;

for (const [name, input] of accepted) {
  test(`trust domain: accepts ${name}`, () => {
    const trustDomain = TrustDomain.parse(input);
    assert.equal(trustDomain.name, input);
    assert.equal(trustDomain.id, `spiffe://${input}`);
    assert.equal(JSON.stringify({ trustDomain }), JSON.stringify({ trustDomain: input }));
  });
}

for (const [name, input] of refused) {
  test(`trust domain: refuses ${name}`, () => {
    assert.throws(
      () => TrustDomain.parse(input),
      (error) => error instanceof SpiffeTlsError && error.code === 'INVALID_TRUST_DOMAIN' && error.got !== undefined,
    );
  });
}

test('L8 trust domain: a value that compares by name and cannot be changed', () => {
  const trustDomain = TrustDomain.parse('example.org');
  assert.ok(trustDomain.equals(TrustDomain.parse('example.org')));
  assert.ok(!trustDomain.equals(TrustDomain.parse('example.com')));
  assert.throws(() => Object.assign(trustDomain, { name: 'example.com' }), TypeError);
});

test('L8 trust domain: cannot be constructed around the parser', () => {
  const forged: unknown = Symbol('TrustDomain');
  assert.throws(() => Reflect.construct(TrustDomain, ['NOT VALID', forged]), TypeError);
});
