import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assertPrograms, assertReadable } from './accounts.ts';

describe('what has to be there before anything is started', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-accounts-'));
  const program = join(folder, 'program.ts');
  writeFileSync(program, '', { mode: 0o644 });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('a program that its user can not reach is named, with its user and what to do', () => {
    chmodSync(folder, 0o700);
    const accounts = new Map([['backend', { uid: 61_001, gid: 61_001 }]]);
    assert.throws(() => assertReadable(accounts, [program]), {
      code: 'SPIRE_UNAVAILABLE',
      message: new RegExp(`^backend runs as user 61001, who can't read ${program}; copy the checkout`),
    });
  });

  it('a program of SPIRE that is none is named', () => {
    for (const path of [program, join(folder, 'none')])
      assert.throws(() => assertPrograms([process.execPath, path]), {
        code: 'SPIRE_UNAVAILABLE',
        message: `${path} is no program; get one with: npm run peers`,
      });
    assertPrograms([process.execPath]);
  });
});
