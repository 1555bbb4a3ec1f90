/**
 * Properties of the readers of PEM, base64 and JSON: one text for one value, and nothing that a laxer reader would let pass.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearText, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { attempt } from '../test/attempt.ts';
import { decodeBase64, decodeBase64Url } from './base64.ts';
import { refusal } from './errors.ts';
import { parsePem, toPem } from './pem.ts';
import { parseStrictJson, parseStrictJsonBytes } from './strict-json.ts';

test('property: PEM that is written is read again', () => {
  const block = fc.record({
    label: fc.constantFrom('CERTIFICATE', 'PRIVATE KEY'),
    der: fc.uint8Array({ minLength: 1, maxLength: 400 }),
  });
  fc.assert(
    fc.property(fc.array(block, { maxLength: 4 }), fc.constantFrom('', 'comment\n', '\r\n'), (blocks, between) => {
      const text = blocks.map(({ label, der }) => toPem(label, der)).join(between);
      const read = parsePem(text).map(({ label, der }) => ({ label, der: Uint8Array.from(der) }));
      // fast-check makes records without a prototype.
      assert.deepEqual(
        read,
        blocks.map((block) => ({ ...block })),
      );
    }),
    propertyRuns(300),
  );
});

test('T15 property: a text near PEM holds whole blocks, or is refused', () => {
  const pem = toPem('CERTIFICATE', Buffer.alloc(120, 0x5a));
  fc.assert(
    fc.property(
      nearText('-=BEGINDA*: \n\ré\0', pem, `x\n${pem}y\n${pem}`, pem + toPem('PRIVATE KEY', Buffer.alloc(9, 1))),
      (text) => {
        const blocks = attempt(['CERTIFICATE_MALFORMED'], () => parsePem(text));
        if (blocks === undefined) return;
        assert.equal(blocks.length, text.split('-----BEGIN ').length - 1, 'no block is passed over');
        for (const { der } of blocks) assert.ok(text.replace(/\s/g, '').includes(Buffer.from(der).toString('base64')));
      },
    ),
    propertyRuns(1000),
  );
});

test('L30 property: base64 is read exactly where encoding gives the same text again', () => {
  const texts = fc.oneof(fc.base64String(), fc.string(), nearText('A=+/-_é \n', 'AAAA', 'AA==', 'AAA=', 'AA', 'A-_A'));
  fc.assert(
    fc.property(texts, (text) => {
      const url = decodeBase64Url(text);
      const standard = decodeBase64(text);
      assert.equal(url !== undefined, Buffer.from(text, 'base64url').toString('base64url') === text);
      assert.equal(standard !== undefined, Buffer.from(text, 'base64').toString('base64') === text);
    }),
    propertyRuns(1500),
  );
});

test('property: any bytes survive base64 both ways', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      assert.deepEqual(decodeBase64(buffer.toString('base64')), buffer);
      assert.deepEqual(decodeBase64Url(buffer.toString('base64url')), buffer);
    }),
    propertyRuns(300),
  );
});

const refuse = (rule: string, got: string) => refusal('JWT_MALFORMED', 'json', rule, got);

test('T15 property: a text near JSON is read as JSON.parse reads it, or is refused', () => {
  const near = nearText(
    '{}[]",:\\u09aeE.+- \n\t\u0001é\ud800',
    '{"keys":[{"kid":"a","n":1.5e3}],"x":null}',
    '[true,false,null,"\\u0041\\n",-0.1]',
    '{"a":{"b":{"c":[[[]]]}}}',
  );
  fc.assert(
    fc.property(near, (text) => {
      const value = attempt(['JWT_MALFORMED'], () => parseStrictJson(text, refuse));
      const known = parsedByNode(text);
      // What is read at all is read the same; what is refused although it is JSON has a name twice.
      if (value !== undefined) assert.equal(JSON.stringify(value), JSON.stringify(known));
      else if (known !== undefined) assert.match(reasonOf(text), /twice/);
    }),
    propertyRuns(2000),
  );
});

test('T15 property: any bytes are UTF-8 that is JSON, or are refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        const value = attempt(['JWT_MALFORMED'], () => parseStrictJsonBytes(bytes, refuse));
        if (value !== undefined)
          assert.equal(JSON.stringify(value), JSON.stringify(JSON.parse(Buffer.from(bytes).toString())));
      },
    ),
    propertyRuns(800),
  );
});

function parsedByNode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(text: string): string {
  try {
    parseStrictJson(text, refuse);
    return '';
  } catch (error) {
    return String(error);
  }
}
