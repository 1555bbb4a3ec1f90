import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createTestCa } from '@countersign/testkit';
import { SpiffeTlsError } from './errors.ts';
import { createStaticX509Source } from './static-source.ts';
import type { X509Context, X509SourceEvent } from './x509-source.ts';

let first: X509Context;
let same: X509Context;
let second: X509Context;

before(async () => {
  const ca = await createTestCa({ trustDomain: 'example.org' });
  const issued = await ca.issue();
  first = ca.context(issued);
  same = ca.context(issued);
  second = ca.context(await ca.issue());
});

test('shows what it was given and tells of material changes only', () => {
  const source = createStaticX509Source(first);
  const events: X509SourceEvent[] = [];
  source.subscribe((event) => events.push(event));
  source.update(same);
  assert.equal(source.current(), first);
  source.update(second);
  assert.equal(source.current(), second);
  assert.deepEqual(events, [{ type: 'update', context: second, changed: { svid: true, bundles: false } }]);
});

test('T9 after withdraw there is no identity until the next update', () => {
  const source = createStaticX509Source(first);
  const types: string[] = [];
  source.subscribe(({ type }) => types.push(type));
  source.withdraw();
  source.withdraw();
  assert.throws(() => source.current(), { code: 'IDENTITY_WITHDRAWN' });
  source.update(first);
  assert.equal(source.current(), first);
  assert.deepEqual(types, ['withdrawn', 'update']);
});

test('a reason for the withdrawal is kept', () => {
  const source = createStaticX509Source(first);
  const reason = new SpiffeTlsError('EXPIRED', 'too late');
  source.withdraw(reason);
  assert.throws(
    () => source.current(),
    (error) => error === reason,
  );
});

test('after close nothing is shown, told or taken', () => {
  const source = createStaticX509Source(first);
  let told = 0;
  source.subscribe(() => {
    told += 1;
  });
  source.close();
  source.close();
  assert.throws(() => source.current(), { code: 'SOURCE_CLOSED' });
  assert.throws(() => source.update(second), { code: 'SOURCE_CLOSED' });
  source.withdraw();
  assert.equal(told, 0);
});

test('an event caused by a listener reaches everyone after the one that caused it', () => {
  const source = createStaticX509Source(first);
  const seen: string[] = [];
  source.subscribe((event) => {
    if (event.type === 'update') source.withdraw();
  });
  source.subscribe(({ type }) => seen.push(type));
  source.update(second);
  assert.deepEqual(seen, ['update', 'withdrawn']);
});

test('a listener that stops another in the middle of an event is obeyed', () => {
  const source = createStaticX509Source(first);
  let told = 0;
  let stop = () => {};
  source.subscribe(() => stop());
  stop = source.subscribe(() => {
    told += 1;
  });
  source.update(second);
  assert.equal(told, 0);
});

test('a listener that throws does not keep the others from being told, and surfaces', async (context) => {
  const source = createStaticX509Source(first);
  const surfaced = new Promise<unknown>((resolve) => {
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', resolve);
    context.after(() => listeners.forEach((listener) => void process.on('uncaughtException', listener)));
  });
  const seen: string[] = [];
  source.subscribe(() => {
    throw new Error('listener is broken');
  });
  source.subscribe(({ type }) => seen.push(type));
  source.update(second);
  assert.deepEqual(seen, ['update']);
  assert.match(String(await surfaced), /listener is broken/);
});
