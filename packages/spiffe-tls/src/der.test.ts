import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import {
  DerReader,
  DerTag,
  readBitString,
  readBoolean,
  readDer,
  readDerElement,
  readIa5,
  readInteger,
  readOid,
  readSmallInteger,
  readTime,
} from './der.ts';
import { SpiffeTlsError } from './errors.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const element = (hex: string) => new DerReader(bytes(hex)).read('test');
const malformed = { code: 'CERTIFICATE_MALFORMED' };

const badElements = [
  ['T15 nothing', ''],
  ['T15 a tag without a length', '30'],
  ['T15 a length without content', '3003 0500'],
  ['T15 an indefinite length', '3080 0500 0000'],
  ['T15 a length of four bytes', '30 84 00000002 0500'],
  ['T15 a huge length', '30 83 ffffff 0500'],
  ['T15 a long length that is short', '30 81 02 0500'],
  ['T15 a length with a leading zero', `30 82 0080 ${'00'.repeat(128)}`],
  ['T15 the reserved length ff', '30 ff 0500'],
  ['T15 a tag of more bytes', '1f 81 00 00'],
] as const;

for (const [name, hex] of badElements) {
  test(`DER: refuses ${name}`, () => assert.throws(() => element(hex), malformed));
}

test('DER: reads lengths of one, two and three bytes', () => {
  for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
    const size = length < 128 ? '' : length < 256 ? '81' : length < 65_536 ? '82' : '83';
    const digits = length.toString(16).padStart(length < 256 ? 2 : length < 65_536 ? 4 : 6, '0');
    const read = element(`04 ${size} ${digits} ${'aa'.repeat(length)}`);
    assert.equal(read.content.length, length);
  }
});

test('T15 DER: refuses bytes after the element, and elements after the expected ones', () => {
  assert.throws(() => readDerElement(bytes('0500 00'), DerTag.null, 'test'), malformed);
  const reader = readDer(bytes('3004 0500 0500'), DerTag.sequence, 'test');
  reader.read('first');
  assert.throws(() => reader.end('test'), malformed);
});

test('T15 DER: an element must not reach beyond its parent', () => {
  const reader = new DerReader(bytes('3003 0402aa bb'));
  const inner = reader.enter(DerTag.sequence, 'outer');
  assert.throws(() => inner.read('inner'), malformed);
});

test('T15 DER: refuses nesting deeper than its bound', () => {
  let nested = bytes('3000');
  for (let i = 0; i < 40; i++) nested = Buffer.concat([Buffer.from([0x30, nested.length]), nested]);
  let reader = new DerReader(nested);
  assert.throws(() => {
    for (;;) reader = reader.enter(DerTag.sequence, 'level');
  }, /nested/);
});

const badValues = [
  ['a boolean of 1', () => readBoolean(element('010101'), 'test')],
  ['a boolean of two bytes', () => readBoolean(element('0102ffff'), 'test')],
  ['an empty boolean', () => readBoolean(element('0100'), 'test')],
  ['an empty integer', () => readInteger(element('0200'), 'test')],
  ['an integer with a needless 00', () => readInteger(element('02020001'), 'test')],
  ['an integer with a needless ff', () => readInteger(element('0202ff80'), 'test')],
  ['a negative small integer', () => readSmallInteger(element('0201ff'), 'test')],
  ['a small integer of five bytes', () => readSmallInteger(element('02050100000000'), 'test')],
  ['an empty bit string', () => readBitString(element('0300'), 'test')],
  ['eight unused bits', () => readBitString(element('030208ff'), 'test')],
  ['unused bits of no byte', () => readBitString(element('030101'), 'test')],
  ['padding bits that are set', () => readBitString(element('030204ff'), 'test')],
  ['an empty object identifier', () => readOid(element('0600'), 'test')],
  ['an object identifier cut off', () => readOid(element('06022a86'), 'test')],
  ['an object identifier with a padded arc', () => readOid(element('06032a8001'), 'test')],
  ['an object identifier of 65 bytes', () => readOid(element(`0641${'01'.repeat(65)}`), 'test')],
  ['text that is not ASCII', () => readIa5(bytes('61ff'), 'test')],
  ['a time of another type', () => readTime(element('0c0161'), 'test')],
] as const;

for (const [name, read] of badValues) {
  test(`T17 DER: refuses ${name}`, () => assert.throws(read, malformed));
}

const time = (tag: number, text: string): number =>
  readTime({ tag, content: Buffer.from(text), encoded: Buffer.from(text) }, 'test');

test('DER: reads times as RFC 5280 has them', () => {
  assert.equal(time(DerTag.utcTime, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
  assert.equal(time(DerTag.utcTime, '500101000000Z'), Date.UTC(1950, 0, 1));
  assert.equal(time(DerTag.generalizedTime, '20500101000000Z'), Date.UTC(2050, 0, 1));
  assert.equal(time(DerTag.generalizedTime, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
  assert.equal(time(DerTag.utcTime, '240229000000Z'), Date.UTC(2024, 1, 29));
});

for (const text of [
  '230229000000Z',
  '231301000000Z',
  '230132000000Z',
  '230101240000Z',
  '230101006000Z',
  '230101000060Z',
]) {
  test(`T15 DER: refuses ${text}, which is no moment`, () =>
    assert.throws(() => time(DerTag.utcTime, text), malformed));
}
for (const text of ['2301010000Z', '230101000000', '230101000000+0100', '20230101000000Z', '23010100000 Z', '']) {
  test(`T15 DER: refuses ${JSON.stringify(text)} as a UTCTime`, () =>
    assert.throws(() => time(DerTag.utcTime, text), malformed));
}

test('DER: prints object identifiers, large arcs included', () => {
  assert.equal(readOid(element('0603551d13'), 'test'), '2.5.29.19');
  assert.equal(readOid(element('06062b06010401 01'), 'test'), '1.3.6.1.4.1.1');
  assert.equal(readOid(element('0603883703'), 'test'), '2.999.3');
  const uuid = `0614 69 83 ${'ff'.repeat(17)} 7f`;
  assert.match(readOid(element(uuid), 'test'), /^2\.25\.\d{30,}$/);
});

test('T15 property: any bytes are read to the end or refused with CERTIFICATE_MALFORMED', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      const reader = new DerReader(input);
      try {
        while (!reader.done) reader.read('anything');
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError);
        assert.equal(error.code, 'CERTIFICATE_MALFORMED');
      }
    }),
    propertyRuns(1000),
  );
});
