/** A record is of the attempt that it is found for, and of no other from the same port. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExpectedRecord } from './outcome.ts';
import { createRecords } from './records.ts';

const verified = (transport: string): ExpectedRecord => ({
  program: 'backend',
  event: 'verified',
  fields: { transport },
});
const recordOf = (transport: string, port: number) => ({ event: 'verified', transport, remote: { port } });
const now = () => performance.now();

test('two listeners of one program may see the same port', async () => {
  const records = createRecords();
  const since = now();
  for (const transport of ['https', 'grpc']) records.add('backend', recordOf(transport, 7));
  for (const transport of ['grpc', 'https'])
    assert.equal((await records.find(verified(transport), { wire: '', port: 7 }, since, 0))?.['transport'], transport);
});

test('what came before the attempt is not its record, and what comes later is', async () => {
  const records = createRecords();
  records.add('backend', recordOf('https', 7));
  const found = records.find(verified('https'), { wire: '', port: 7 }, now(), 5_000);
  records.add('backend', { ...recordOf('https', 7), later: true });
  assert.equal((await found)?.['later'], true);
});

test('without a record there is none', async () => {
  const records = createRecords();
  records.add('backend', recordOf('https', 8));
  records.add('db-client', recordOf('https', 7));
  assert.equal(await records.find(verified('https'), { wire: '', port: 7 }, 0, 0), undefined);
  assert.equal(await records.find(verified('https'), { wire: '' }, 0, 0), undefined);
});
