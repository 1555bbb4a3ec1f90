import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePem, toPem } from './pem.ts';

const der = Buffer.from('30820001aabbccdd'.repeat(12), 'hex');

test('PEM: reads what it writes, with comments and CRLF between', () => {
  const pem = `subject: someone\r\n${toPem('CERTIFICATE', der).replaceAll('\n', '\r\n')}# more\r\n${toPem('PRIVATE KEY', der)}`;
  const blocks = parsePem(pem);
  assert.deepEqual(
    blocks.map((block) => block.label),
    ['CERTIFICATE', 'PRIVATE KEY'],
  );
  assert.ok(blocks.every((block) => Buffer.compare(block.der, der) === 0));
});

test('PEM: a text without blocks holds nothing', () => assert.deepEqual(parsePem('nothing here'), []));

const broken = [
  ['a block without an end', toPem('CERTIFICATE', der).replace('-----END CERTIFICATE-----', '')],
  ['a block that ends as another', toPem('CERTIFICATE', der).replace('END CERTIFICATE', 'END PRIVATE KEY')],
  ['letters that are not base64', toPem('CERTIFICATE', der).replace('MIIA', '*IIA')],
  ['padding in the middle', toPem('CERTIFICATE', der).replace('MIIA', 'MI=A')],
  ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
  [
    'headers of an encrypted key',
    '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\n\nAAAA\n-----END RSA PRIVATE KEY-----\n',
  ],
] as const;

for (const [name, pem] of broken) {
  test(`T15 PEM: refuses ${name}`, () => assert.throws(() => parsePem(pem), { code: 'CERTIFICATE_MALFORMED' }));
}
