import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { oid, sequence, tlv } from '@countersign/testkit';
import { DerTag, readDerElement } from './der.ts';
import { parsePublicKey, weaknessOfSignature } from './public-key.ts';

const spkiOf = (key: KeyObject): Uint8Array => key.export({ type: 'spki', format: 'der' });
const facts = (spki: Uint8Array) => parsePublicKey(readDerElement(spki, DerTag.sequence, 'test'));
const weakness = (...parts: Uint8Array[]) =>
  weaknessOfSignature(readDerElement(sequence(...parts), DerTag.sequence, 'test'));

const RSA = oid('1.2.840.113549.1.1.1');
const PSS = oid('1.2.840.113549.1.1.10');
const nothing = tlv(0x05);
const rsa = (modulus: Uint8Array, exponent: Uint8Array): Uint8Array =>
  sequence(sequence(RSA, nothing), tlv(0x03, Buffer.from([0]), sequence(tlv(0x02, modulus), tlv(0x02, exponent))));
const modulus = (bits: number): Uint8Array => Buffer.concat([Buffer.from([0]), Buffer.alloc(bits / 8, 0xc1)]);
const usual = Buffer.from([1, 0, 1]);

const strong = [
  ['P-256', spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
  ['P-384', spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)],
  ['P-521', spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey)],
  ['Ed25519', spkiOf(generateKeyPairSync('ed25519').publicKey)],
  ['RSA 2048', rsa(modulus(2048), usual)],
  ['RSA 8192', rsa(modulus(8192), usual)],
] as const;

const weak = [
  ['RSA 2040', rsa(modulus(2040), usual), /RSA 2040/, true],
  ['RSA 1024', rsa(modulus(1024), usual), /RSA 1024/, true],
  ['RSA 16384, which is slow', rsa(modulus(16_384), usual), /RSA 16384/, false],
  ['an RSA exponent of 1', rsa(modulus(2048), Buffer.from([1])), /exponent/, false],
  ['an even RSA exponent', rsa(modulus(2048), Buffer.from([4])), /exponent/, false],
  ['an RSA exponent as long as the modulus', rsa(modulus(2048), modulus(2048)), /exponent/, false],
  [
    'secp256k1',
    spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
    /curve 1\.3\.132\.0\.10/,
    false,
  ],
  [
    'P-256 with explicit parameters',
    spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey),
    /without a name/,
    false,
  ],
  [
    'X25519, which signs nothing',
    spkiOf(generateKeyPairSync('x25519').publicKey),
    /key algorithm 1\.3\.101\.110/,
    false,
  ],
  ['Ed448', spkiOf(generateKeyPairSync('ed448').publicKey), /key algorithm/, false],
] as const;

for (const [name, spki] of strong) {
  test(`L16 key: ${name} is strong`, () => {
    const { weakness: reason, verifiable } = facts(spki);
    assert.equal(reason, undefined);
    assert.equal(verifiable, true);
  });
}
for (const [name, spki, reason, verifiable] of weak) {
  test(`L16 key: refuses ${name}`, () => {
    const found = facts(spki);
    assert.match(found.weakness ?? '', reason);
    assert.equal(found.verifiable, verifiable);
  });
}

test('T15 key: refuses bytes that are no key', () => {
  for (const spki of [
    sequence(),
    sequence(sequence(RSA, nothing)),
    sequence(sequence(RSA), tlv(0x03, Buffer.from([0, 0x30]))),
  ]) {
    assert.throws(() => facts(spki), { code: 'CERTIFICATE_MALFORMED' });
  }
});

test('L16 signature: SHA-256 and longer only', () => {
  for (const id of ['1.2.840.113549.1.1.11', '1.2.840.113549.1.1.13', '1.2.840.10045.4.3.2', '1.3.101.112']) {
    assert.equal(weakness(oid(id)), undefined, id);
  }
  for (const id of [
    '1.2.840.113549.1.1.4',
    '1.2.840.113549.1.1.5',
    '1.2.840.10045.4.1',
    '1.2.840.10045.4.3.1',
    '1.2.3',
  ]) {
    assert.match(weakness(oid(id)) ?? '', new RegExp(id.replaceAll('.', '\\.')));
  }
});

test('L16 signature: RSA-PSS by the hash it names, SHA-1 if it names none', () => {
  const hash = (id: string): Uint8Array => sequence(tlv(0xa0, sequence(oid(id), nothing)));
  assert.equal(weakness(PSS, hash('2.16.840.1.101.3.4.2.1')), undefined);
  assert.match(weakness(PSS, hash('1.3.14.3.2.26')) ?? '', /1\.3\.14\.3\.2\.26/);
  assert.match(weakness(PSS, sequence()) ?? '', /SHA-1/);
  assert.match(weakness(PSS) ?? '', /SHA-1/);
});
