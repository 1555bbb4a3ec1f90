import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findPostgresAccount } from './account.ts';
import { hydrate, packageNameOf, preparePostgresBinaries } from './binaries.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'pg-bin-'));
});
after(() => rmSync(folder, { recursive: true }));

/** A package as it comes out of npm: no links, and the list of them. */
function unpack(name: string, links: unknown): string {
  const home = join(folder, name);
  mkdirSync(join(home, 'native', 'lib'), { recursive: true });
  writeFileSync(join(home, 'native', 'lib', 'libx.so.1.2'), 'library');
  writeFileSync(join(home, 'native', 'pg-symlinks.json'), JSON.stringify(links));
  return home;
}

describe('the links of the package', () => {
  it('are restored relative to their folder, once, twice, and after one was lost', () => {
    const home = unpack('links', [
      { source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so' },
      { source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' },
    ]);
    for (const _time of [1, 2]) assert.equal(hydrate(home), true);
    unlinkSync(join(home, 'native', 'lib', 'libx.so'));
    hydrate(home);
    assert.deepEqual(
      ['libx.so', 'libx.so.1'].map((name) => readlinkSync(join(home, 'native', 'lib', name))),
      ['libx.so.1.2', 'libx.so.1.2'],
    );
  });

  for (const [name, links] of [
    ['no list', { source: 'a', target: 'b' }],
    ['not pairs', [{ source: 'a' }]],
    ['a target outside', [{ source: 'native/lib/libx.so.1.2', target: '../../evil' }]],
    ['a source outside', [{ source: '/etc/passwd', target: 'native/lib/y' }]],
  ] as const) {
    it(`refused: ${name}`, () => assert.throws(() => hydrate(unpack(name, links)), { code: 'POSTGRES_PACKAGE' }));
  }
});

describe('the programs', () => {
  it('run, from the package or a copy, with install scripts switched off', () => {
    const account = findPostgresAccount();
    const real = preparePostgresBinaries(account, () => folder);
    const home = join(dirname(real.postgres), '..', '..');
    const bare = join(folder, 'bare');
    cpSync(home, bare, { recursive: true, verbatimSymlinks: true });
    const lib = join(bare, 'native', 'lib');
    for (const name of readdirSync(lib)) if (lstatSync(join(lib, name)).isSymbolicLink()) unlinkSync(join(lib, name));
    const version = () => spawnSync(join(bare, 'native', 'bin', 'postgres'), ['--version'], { encoding: 'utf8' });
    assert.notEqual(version().status, 0, 'without its links it does not run');
    hydrate(bare);
    assert.match(version().stdout, /^postgres \(PostgreSQL\) 18\./);
  });

  for (const [platform, arch] of [
    ['win32', 'x64'],
    ['linux', 's390x'],
    ['freebsd', 'x64'],
  ] as const) {
    it(`none for ${platform}-${arch}, and it says so`, () =>
      assert.throws(() => packageNameOf(platform, arch), {
        code: 'POSTGRES_PACKAGE',
        message: new RegExp(`${platform}-${arch}`),
      }));
  }
});
