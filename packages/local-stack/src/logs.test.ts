import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { followFile } from './follow-file.ts';
import { openLogFile } from './log-file.ts';
import { createLogWatch } from './log-watch.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'logs-'));
});
after(() => rmSync(folder, { recursive: true }));

describe('a followed file', () => {
  it('whole lines as they come, from a file that is not there yet', async () => {
    const path = join(folder, 'later.log');
    const lines: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const file = followFile({
      path,
      onLine(line) {
        lines.push(line);
        if (line === 'end') resolve();
      },
    });
    writeFileSync(path, 'one\ntw');
    appendFileSync(path, 'o\nä');
    appendFileSync(path, 'ö\nend\nrest');
    await promise;
    file.close();
    assert.deepEqual(lines, ['one', 'two', 'äö', 'end']);
  });

  it('from the end: only what is new', () => {
    const path = join(folder, 'old.log');
    writeFileSync(path, 'old\n');
    const lines: string[] = [];
    const file = followFile({ path, fromEnd: true, onLine: (line) => lines.push(line) });
    appendFileSync(path, 'new\n');
    file.poll();
    file.close();
    assert.deepEqual(lines, ['new']);
  });

  it('cut by its writer: read anew; longer than allowed: cut by us', () => {
    const path = join(folder, 'cut.log');
    writeFileSync(path, 'first line\n');
    const lines: string[] = [];
    const file = followFile({ path, truncateAtBytes: 20, onLine: (line) => lines.push(line) });
    truncateSync(path, 0);
    appendFileSync(path, 'second\n');
    file.poll();
    appendFileSync(path, `${'x'.repeat(30)}\n`);
    file.poll();
    assert.equal(statSync(path).size, 0);
    appendFileSync(path, 'third\n');
    file.poll();
    file.close();
    assert.deepEqual(lines, ['first line', 'second', 'x'.repeat(30), 'third']);
  });

  it('a link in its place is not followed', () => {
    const path = join(folder, 'link.log');
    symlinkSync('/etc/hostname', path);
    assert.throws(() => followFile({ path, onLine: () => {} }), { code: 'ELOOP' });
  });
});

describe('a log file', () => {
  it('is bounded: full, it becomes .1 and a new one begins', async () => {
    const path = join(folder, 'part.log');
    const log = openLogFile(path, 20);
    for (const line of ['0123456789', 'abcdefghij', 'third']) log.write(line);
    await log.close();
    assert.equal(readFileSync(path, 'utf8'), 'abcdefghij\nthird\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});

describe('records that are waited for', () => {
  it('past, to come, and never', async () => {
    const watch = createLogWatch(2);
    for (const n of [1, 2, 3]) watch.add('a', { n });
    assert.deepEqual(
      watch.find('a', () => true),
      [{ n: 2 }, { n: 3 }],
    );
    assert.deepEqual(await watch.waitFor('a', ({ n }) => n === 3, 1_000), { n: 3 });
    const coming = watch.waitFor('a', ({ n }) => n === 4, 1_000);
    watch.add('b', { n: 4 });
    watch.add('a', { n: 4, mine: true });
    assert.deepEqual(await coming, { n: 4, mine: true });
    await assert.rejects(
      watch.waitFor('a', () => false, 1),
      { code: 'PART_TIMEOUT' },
    );
  });
});
