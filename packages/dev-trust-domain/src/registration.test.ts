import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrustDomain } from '@countersign/spiffe-tls';
import { parseRegistration } from './registration.ts';

const trustDomain = TrustDomain.parse('example.org');
const valid = { name: 'web', spiffeId: 'spiffe://example.org/web', dnsNames: ['web.example.org'] };

test('takes a full registration and one without DNS names', () => {
  const full = { ...valid, hint: 'internal', owner: { uid: 1000, gid: 1000 } };
  assert.deepEqual(parseRegistration(full, trustDomain), full);
  assert.deepEqual(parseRegistration({ name: 'web', spiffeId: valid.spiffeId }, trustDomain), {
    ...valid,
    dnsNames: [],
  });
});

test('D8 a hint of 1024 bytes is taken; bytes are counted, not characters', () => {
  const hint = `${'é'.repeat(511)}xx`;
  assert.equal(parseRegistration({ ...valid, hint }, trustDomain).hint, hint);
  assert.throws(() => parseRegistration({ ...valid, hint: `${hint}x` }, trustDomain), { message: /1024 bytes/ });
});

test('D1 a TCP listener is checked with its registration', () => {
  const tcp = { host: '127.0.0.1', port: 8081, dangerouslyBeyondLoopback: false };
  assert.deepEqual(parseRegistration({ ...valid, dangerouslyListenOnTcp: { port: 8081 } }, trustDomain), {
    ...valid,
    dangerouslyListenOnTcp: tcp,
  });
  const open = { ...valid, dangerouslyListenOnTcp: { host: '0.0.0.0', port: 8081 } };
  assert.throws(() => parseRegistration(open, trustDomain), {
    code: 'REGISTRATION',
    message: /loopback.*"0\.0\.0\.0"/,
  });
});

const refused: readonly [name: string, value: unknown, message: RegExp][] = [
  ['nothing', null, /object/],
  ['a list', [], /object/],
  ['an unknown field', { ...valid, uid: 0 }, /"uid"/],
  ['no name', { ...valid, name: undefined }, /name/],
  ['a name that leaves the directory', { ...valid, name: '../x' }, /name/],
  ['a name with a slash', { ...valid, name: 'a/b' }, /name/],
  ['a name in capitals', { ...valid, name: 'Web' }, /name/],
  ['a name of 64 characters', { ...valid, name: 'a'.repeat(64) }, /name/],
  ['no ID', { ...valid, spiffeId: undefined }, /spiffeId/],
  ['an ID that is none', { ...valid, spiffeId: 'https://example.org/web' }, /spiffeId/],
  ['an ID of another trust domain', { ...valid, spiffeId: 'spiffe://other.org/web' }, /member of "example.org"/],
  ['an ID without path', { ...valid, spiffeId: 'spiffe://example.org' }, /path/],
  ['a DNS name that is none', { ...valid, dnsNames: ['web_1'] }, /DNS/],
  ['a wildcard', { ...valid, dnsNames: ['*.example.org'] }, /DNS/],
  ['a DNS name that is no string', { ...valid, dnsNames: [1] }, /DNS/],
  ['DNS names that are no list', { ...valid, dnsNames: 'web' }, /dnsNames/],
  ['33 DNS names', { ...valid, dnsNames: Array.from({ length: 33 }, (_, index) => `n${index}`) }, /at most 32/],
  [
    'a first DNS name that is no common name',
    { ...valid, dnsNames: [`${'a'.repeat(30)}.${'b'.repeat(34)}`] },
    /common name/,
  ],
  ['a hint of 1025 bytes', { ...valid, hint: 'x'.repeat(1025) }, /hint/],
  ['an owner without group', { ...valid, owner: { uid: 1 } }, /owner/],
  ['an owner that is negative', { ...valid, owner: { uid: -1, gid: 1 } }, /owner/],
];

for (const [name, value, message] of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(() => parseRegistration(value, trustDomain), {
      name: 'DevTrustDomainError',
      code: 'REGISTRATION',
      message,
    });
  });
}
