/**
 * Attestation of the program, on real SPIRE (B5, B6): the hash of a binary is part of an entry, so the same user with
 * another binary is nobody; and so is its path.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { StandaloneSpire } from '@countersign/local-stack';
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { entryNamed, startTestSpire, untilContext } from './standalone-spire.ts';
import { type Asking, fetchIdentityAs } from './workload-process.ts';

/** Nobody else's on any machine that this runs on; no entry in `/etc/passwd` is needed. */
const account = { uid: 61_700, gid: 61_700 };
let spire: StandaloneSpire;
let folder: string;
/** Node, and the same Node with one byte at its end that no loader reads. */
let node: string;
let altered: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-binaries-'));
  chmodSync(folder, 0o755);
  node = copyNode('node');
  altered = copyNode('altered');
  appendFileSync(altered, '\0');
  spire = await startTestSpire('example.org');
  const hash = createHash('sha256').update(readFileSync(node)).digest('hex');
  await spire.createEntry(programEntry('by-hash', [`uid:${account.uid}`, `sha256:${hash}`]));
  await spire.createEntry(programEntry('by-path', [`uid:${account.uid + 1}`, `path:${node}`]));
  await spire.createEntry(entryNamed(spire, 'marker'));
  await using source = createWorkloadApiX509Source({ endpoint: spire.socket });
  // The agent takes entries together: with the last of them it has all.
  await untilContext(source, () => true);
});

after(async () => {
  await spire?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function copyNode(name: string): string {
  const path = join(folder, name);
  copyFileSync(process.execPath, path);
  chmodSync(path, 0o755);
  return path;
}

function programEntry(name: string, selectors: readonly string[]) {
  return entryNamed(spire, name, { selectors: selectors.map((value) => ({ type: 'unix', value })) });
}

const other = { uid: account.uid + 1, gid: account.gid };
const given: ReadonlyArray<readonly [name: string, who: () => Asking, path: string]> = [
  ['the binary whose hash is in the entry', () => ({ ...account, node }), '/by-hash'],
  ['the same binary elsewhere: the hash is of what it is, not of where', () => account, '/by-hash'],
  ['the binary whose path is in the entry', () => ({ ...other, node }), '/by-path'],
];
const refused: ReadonlyArray<readonly [name: string, who: () => Asking]> = [
  ['another binary under the same user', () => ({ ...account, node: altered })],
  ['the binary of the hash under another user', () => ({ ...account, uid: account.uid + 2, node })],
  ['the same binary at another path than the entry says', () => other],
  ['another binary at another path', () => ({ ...other, node: altered })],
];

describe('B6 an entry names user and program', { concurrency: 3 }, () => {
  for (const [name, who, path] of given) {
    test(`an identity for ${name}`, async () => {
      const answer = await fetchIdentityAs(spire.socket, who());
      assert.deepEqual(answer, { code: 0, said: `${spire.trustDomain.id}${path}` });
    });
  }

  for (const [name, who] of refused) {
    test(`PermissionDenied for ${name}`, async () => {
      const { code, said } = await fetchIdentityAs(spire.socket, who());
      assert.equal(code, 1, said);
      assert.match(said, /PERMISSION_DENIED.*no identity issued/i);
    });
  }
});
