/** Obligations: what can't be met stops the answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthzError } from './errors.ts';
import { applyObligations, MASKED } from './obligations.ts';

const mask = (...fields: string[]) => ({ allow: true, obligations: [{ kind: 'mask' as const, fields }] });

const FAILED: [name: string, decision: Parameters<typeof applyObligations>[0], document: object][] = [
  ['a refused call', { allow: false, obligations: [] }, { owner: 'x' }],
  ['a field that is missing', mask('owner'), { Owner: 'x' }],
  ['a field that is inherited', mask('owner'), Object.create({ owner: 'x' })],
  ['a field of every object', mask('toString'), {}],
  ['a field that holds a document', mask('owner'), { owner: { name: 'x' } }],
  ['a field that holds a number', mask('owner'), { owner: 7 }],
  ['a field that holds nothing', mask('owner'), { owner: undefined }],
  ['a list, whose elements would be shown', mask('owner'), [{ owner: 'x' }]],
  ['the second of two fields', mask('owner', 'note'), { owner: 'x' }],
];
for (const [name, decision, document] of FAILED) {
  test(`obligations: not met for ${name}`, () => {
    assert.throws(
      () => applyObligations(decision, document),
      (error: unknown) => error instanceof AuthzError && error.code === 'OBLIGATION_FAILED',
    );
  });
}

test('obligations: masked fields keep their names, the document given is not changed', () => {
  const document = { id: '1', owner: 'somebody', note: 'secret' };
  assert.deepEqual(applyObligations(mask('owner', 'note'), document), { id: '1', owner: MASKED, note: MASKED });
  assert.equal(document.owner, 'somebody');
});

test('obligations: without any the document is the one given', () => {
  const document = { owner: 'somebody' };
  assert.equal(applyObligations({ allow: true, obligations: [] }, document), document);
});
