/**
 * Properties of the DER reader: what is written by others' rules is read as it was meant, and each value has one encoding.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearBytes, propertyRuns, sequence, tlv } from '@countersign/testkit';
import fc from 'fast-check';
import { attempt } from '../test/attempt.ts';
import {
  DerReader,
  DerTag,
  readBitString,
  readBoolean,
  readDerElement,
  readInteger,
  readOid,
  readSmallInteger,
  readTime,
} from './der.ts';

const MALFORMED = ['CERTIFICATE_MALFORMED'] as const;

/** A tree of elements: a text is a leaf's content, a list a sequence. */
type Tree = Uint8Array | readonly Tree[];

const { tree } = fc.letrec<{ tree: Tree; list: readonly Tree[] }>((tie) => ({
  tree: fc.oneof({ maxDepth: 6 }, fc.uint8Array({ maxLength: 300 }), tie('list')),
  list: fc.array(tie('tree'), { maxLength: 4 }),
}));

function write(node: Tree): Uint8Array {
  return node instanceof Uint8Array ? tlv(DerTag.octetString, node) : sequence(...node.map(write));
}

function read(reader: DerReader): Tree {
  const element = reader.read('element');
  if (element.tag !== DerTag.sequence) return Uint8Array.from(element.content);
  const inner = reader.open(element);
  const list: Tree[] = [];
  while (!inner.done) list.push(read(inner));
  return list;
}

test('property: what another writer wrote is read as it was meant', () => {
  fc.assert(
    fc.property(tree, (node) => {
      const reader = new DerReader(write(node));
      assert.deepEqual(read(reader), read(new DerReader(write(node))));
      assert.deepEqual(write(read(new DerReader(write(node)))), write(node));
    }),
    propertyRuns(500),
  );
});

test('T15 property: bytes near a tree are one tree in one encoding, or are refused', () => {
  const near = tree.chain((node) => nearBytes(write(node)));
  fc.assert(
    fc.property(near, (bytes) => {
      const elements = attempt(MALFORMED, () => {
        const reader = new DerReader(bytes);
        const list: Uint8Array[] = [];
        while (!reader.done) list.push(reader.read('element').encoded);
        return list;
      });
      if (elements !== undefined) assert.deepEqual(Buffer.concat(elements), Buffer.from(bytes));
    }),
    propertyRuns(1000),
  );
});

/** One primitive: how it is read, and how the value is written again. Equal values must have equal bytes. */
const primitives: readonly (readonly [string, number, (bytes: Uint8Array) => Uint8Array])[] = [
  ['boolean', DerTag.boolean, (b) => Buffer.from([readBoolean(of(DerTag.boolean, b), 'it') ? 0xff : 0])],
  ['integer', DerTag.integer, (b) => minimal(readInteger(of(DerTag.integer, b), 'it'))],
  ['small integer', DerTag.integer, (b) => minimal(numberBytes(readSmallInteger(of(DerTag.integer, b), 'it')))],
  ['object identifier', DerTag.oid, (b) => contentOfOid(readOid(of(DerTag.oid, b), 'it'))],
  ['UTCTime', DerTag.utcTime, (b) => Buffer.from(utcOf(readTime(of(DerTag.utcTime, b), 'it')))],
  [
    'GeneralizedTime',
    DerTag.generalizedTime,
    (b) => Buffer.from(timeOf(readTime(of(DerTag.generalizedTime, b), 'it'))),
  ],
  [
    'bit string',
    DerTag.bitString,
    (b) => {
      const { bytes, unused } = readBitString(of(DerTag.bitString, b), 'it');
      return Buffer.concat([Buffer.from([unused]), bytes]);
    },
  ],
];

const contents = fc.oneof(
  fc.uint8Array({ maxLength: 70 }),
  nearBytes(
    Buffer.from('260101000000Z'),
    Buffer.from('20500229235959Z'),
    Buffer.from([0xff]),
    Buffer.from([7, 0x80]),
    Buffer.from([0x7f, 0xff, 0xff, 0xff]),
    Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]),
  ),
);

for (const [name, , again] of primitives) {
  test(`T15 property: a ${name} has one encoding, and any other bytes are refused`, () => {
    fc.assert(
      fc.property(contents, (bytes) => {
        const written = attempt(MALFORMED, () => again(bytes));
        if (written !== undefined) assert.deepEqual(Buffer.from(written), Buffer.from(bytes));
      }),
      propertyRuns(1000),
    );
  });
}

function of(tag: number, content: Uint8Array) {
  return readDerElement(tlv(tag, content), tag, 'it');
}

function minimal(bytes: Uint8Array): Uint8Array {
  const [first = 0, second = 0] = bytes;
  const padded = bytes.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  return padded ? bytes.subarray(1) : bytes;
}

function numberBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(value, 1);
  const significant = bytes.findIndex((byte) => byte !== 0);
  const start = significant === -1 ? 4 : significant;
  return bytes.subarray((bytes[start] ?? 0) >= 0x80 ? start - 1 : start);
}

function contentOfOid(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  return Buffer.from([first * 40n + second, ...rest].flatMap(base128));
}

function base128(arc: bigint): number[] {
  const digits = [Number(arc % 128n)];
  for (let rest = arc / 128n; rest > 0n; rest /= 128n) digits.unshift(Number(rest % 128n) | 0x80);
  return digits;
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
}

function utcOf(ms: number): string {
  return timeOf(ms).slice(2);
}
