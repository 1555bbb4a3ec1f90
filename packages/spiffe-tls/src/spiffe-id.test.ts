import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { SpiffeTlsError } from './errors.ts';
import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';

const accepted = [
  ['the ID of a trust domain', 'spiffe://example.org', 'example.org', []],
  ['a path', 'spiffe://example.org/ns/a/sa/b', 'example.org', ['ns', 'a', 'sa', 'b']],
  ['L3 names that look like addresses', 'spiffe://1.2.3.4/a', '1.2.3.4', ['a']],
  ['L4 all characters a segment may have', 'spiffe://a_b/A-Za-z0-9._-', 'a_b', ['A-Za-z0-9._-']],
  ['L4 three dots, which are no relative segment', 'spiffe://example.org/...', 'example.org', ['...']],
  ['L6 paths differing in case', 'spiffe://example.org/Admin', 'example.org', ['Admin']],
] as const;

const refused = [
  ['L1 nothing', ''],
  ['L1 another scheme', 'https://example.org/a'],
  ['L1 no scheme', 'example.org/a'],
  ['L1 one slash', 'spiffe:/example.org/a'],
  ['L1 no trust domain', 'spiffe:///a'],
  ['L1 a query', 'spiffe://example.org/a?b'],
  ['L1 a query after the trust domain', 'spiffe://example.org?b'],
  ['L1 a fragment', 'spiffe://example.org/a#b'],
  ['L2 a port', 'spiffe://example.org:80/a'],
  ['L2 userinfo', 'spiffe://user@example.org/a'],
  ['L2 percent-encoding in the host', 'spiffe://ex%61mple.org/a'],
  ['L6 an upper-case host', 'spiffe://Example.org/a'],
  ['L6 an upper-case scheme', 'SPIFFE://example.org/a'],
  ['L4 a trailing slash', 'spiffe://example.org/a/'],
  ['L4 the root path', 'spiffe://example.org/'],
  ['L4 an empty segment', 'spiffe://example.org/a//b'],
  ['L4 a dot segment', 'spiffe://example.org/a/./b'],
  ['L4 a parent segment', 'spiffe://example.org/a/../b'],
  ['L4 a parent segment, encoded', 'spiffe://example.org/a/%2e%2e/b'],
  ['L4 percent-encoding', 'spiffe://example.org/%61'],
  ['L4 a space', 'spiffe://example.org/a b'],
  ['L4 a letter outside ASCII', 'spiffe://example.org/é'],
  ['L4 a line break at the end', 'spiffe://example.org/a\n'],
  ['T19 another SAN in the text', 'spiffe://example.org/x, URI:spiffe://example.org/admin'],
  ['L5 2049 bytes', `spiffe://example.org/${'a'.repeat(2028)}`],
] as const;

for (const [name, input, trustDomain, segments] of accepted) {
  test(`SPIFFE ID: accepts ${name}`, () => {
    const id = SpiffeId.parse(input);
    assert.equal(id.toString(), input);
    assert.equal(id.trustDomain.name, trustDomain);
    assert.deepEqual(id.segments, segments);
    assert.ok(SpiffeId.from(id.trustDomain, ...segments).equals(id));
  });
}

for (const [name, input] of refused) {
  test(`SPIFFE ID: refuses ${name}`, () => {
    assert.throws(
      () => SpiffeId.parse(input),
      (error) => error instanceof SpiffeTlsError && error.code === 'INVALID_SPIFFE_ID' && error.got !== undefined,
    );
  });
}

test('L5 SPIFFE ID: accepts 2048 bytes and never makes more', () => {
  const longest = `spiffe://example.org/${'a'.repeat(2027)}`;
  assert.equal(SpiffeId.parse(longest).toString().length, 2048);
  const trustDomain = TrustDomain.parse('example.org');
  assert.throws(() => SpiffeId.from(trustDomain, 'a'.repeat(2028)), { code: 'INVALID_SPIFFE_ID' });
});

test('L6 SPIFFE ID: lower-cases scheme and host, and only these, when an operator asks', () => {
  assert.equal(`${SpiffeId.parse('SPIFFE://Example.ORG/Ab', { normalize: true })}`, 'spiffe://example.org/Ab');
  assert.equal(`${SpiffeId.parse('SPIFFE://Example.ORG', { normalize: true })}`, 'spiffe://example.org');
  assert.throws(() => SpiffeId.parse('SPIFFE://Example.ORG/a/', { normalize: true }), { code: 'INVALID_SPIFFE_ID' });
});

test('L6 SPIFFE ID: paths compare case-sensitively', () => {
  const id = SpiffeId.parse('spiffe://example.org/admin');
  assert.ok(!id.equals(SpiffeId.parse('spiffe://example.org/Admin')));
  assert.ok(id.equals(SpiffeId.parse('spiffe://example.org/admin')));
});

test('L8 SPIFFE ID: an immutable value with members, text and JSON', () => {
  const id = SpiffeId.parse('spiffe://example.org/a');
  assert.ok(id.memberOf(TrustDomain.parse('example.org')));
  assert.ok(!id.memberOf(TrustDomain.parse('example.com')));
  assert.equal(JSON.stringify({ id }), '{"id":"spiffe://example.org/a"}');
  assert.throws(() => Object.assign(id, { path: '/b' }), TypeError);
  assert.throws(() => Reflect.construct(SpiffeId, [id.trustDomain, '/../b', Symbol('SpiffeId')]), TypeError);
});

test('L8 SPIFFE ID: segments are checked, so that none can bring its own slash', () => {
  const trustDomain = TrustDomain.parse('example.org');
  for (const segment of ['a/b', '', '.', '..', 'a%2fb', 'a?b']) {
    assert.throws(() => SpiffeId.from(trustDomain, 'ns', segment), { code: 'INVALID_SPIFFE_ID' }, segment);
  }
});

test('SPIFFE ID: the refusal quotes and cuts what it refuses', () => {
  assert.throws(
    () => SpiffeId.parse(`spiffe://example.org/${'a'.repeat(500)}\n[forged log line]`),
    (error) => error instanceof SpiffeTlsError && !error.message.includes('\n') && error.message.length < 300,
  );
});

test('property: a valid ID survives parse and print', () => {
  const name = fc.stringMatching(/^[a-z0-9._-]{1,20}$/);
  const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((s) => s !== '.' && s !== '..');
  fc.assert(
    fc.property(name, fc.array(segment, { maxLength: 6 }), (host, segments) => {
      const text = ['spiffe:/', host, ...segments].join('/');
      assert.equal(SpiffeId.parse(text).toString(), text);
    }),
    propertyRuns(),
  );
});

test('property: any text either is refused with INVALID_SPIFFE_ID or is printed back unchanged', () => {
  const hostile = fc.stringMatching(/^[a-zA-Z0-9._/%?#:@\\ -]{0,24}$/).map((tail) => `spiffe://${tail}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), hostile), (text) => {
      try {
        assert.equal(SpiffeId.parse(text).toString(), text);
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError);
        assert.equal(error.code, 'INVALID_SPIFFE_ID');
      }
    }),
    propertyRuns(),
  );
});
