/**
 * A checkout that every user of this machine can read, for programs that run as users of their own. A clone in root's home
 * is nobody else's to read: then what is tracked, and the packages, are copied to a temporary folder. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** Any user that owns nothing here. */
const STRANGER = 61_000;
/** One of ours and one of the packages: they may have come under another umask. */
const SAMPLES = ['services/customer/src/main.ts', 'node_modules/pg/package.json'];

/**
 * @param {string} root the checkout @param {string} node the Node that runs the programs @param {(text: string) => void} say
 * @returns {{ root: string, node: string, remove(): void }} the checkout itself, or a copy until it is removed
 */
export function readableCheckout(root, node, say) {
  if (isReadable(root, node)) return { root, node, remove() {} };
  process.umask(0o022);
  const copy = mkdtempSync(join(tmpdir(), 'countersign-checkout-'));
  const remove = () => rmSync(copy, { recursive: true, force: true });
  try {
    chmodSync(copy, 0o755);
    say(`other users can't read ${root}: running in a copy, ${copy}`);
    for (const path of trackedFiles(root)) copyFile(join(root, path), join(copy, path));
    const copiedNode = node.startsWith(root) ? join(copy, relative(root, node)) : node;
    copyPackages(root, copy, copiedNode);
    if (isReadable(copy, copiedNode)) return { root: copy, node: copiedNode, remove };
    throw new Error(
      `other users can't read ${copy} and run ${copiedNode} either; set TMPDIR to a folder that they may enter`,
    );
  } catch (error) {
    remove();
    throw error;
  }
}

function isReadable(root, node) {
  const script = `for (const path of ${JSON.stringify(SAMPLES)}) fs.readFileSync(${JSON.stringify(`${root}/`)} + path)`;
  const options = { uid: STRANGER, gid: STRANGER, cwd: '/', stdio: 'ignore' };
  return spawnSync(node, ['--eval', script], options).status === 0;
}

/** New files that nobody has added yet are part of what is being worked on. */
function trackedFiles(root) {
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`git can't list the files of ${root}; copy it to a folder that others may read`);
  return stdout.split('\0').filter((path) => path !== '' && lstatSync(join(root, path), { throwIfNoEntry: false }));
}

function copyFile(from, to) {
  cpSync(from, to, { verbatimSymlinks: true });
  const { mode } = lstatSync(to);
  if (lstatSync(to).isFile()) chmodSync(to, mode & 0o100 ? 0o755 : 0o644);
}

/** Links cost neither time nor space; where there can be none, or others may not read what is linked, copies do. */
function copyPackages(root, copy, node) {
  const folders = spawnSync('find', [root, '-name', 'node_modules', '-prune', '-type', 'd'], { encoding: 'utf8' });
  const found = folders.stdout.split('\n').filter((path) => path !== '');
  const all = (flags) =>
    found.every((path) => {
      const target = join(copy, relative(root, path));
      rmSync(target, { recursive: true, force: true });
      return !existsSync(dirname(target)) || spawnSync('cp', [flags, path, target], { stdio: 'ignore' }).status === 0;
    });
  if (all('-al') && isReadable(copy, node)) return;
  if (!all('-a')) throw new Error(`the packages can't be copied to ${copy}`);
  spawnSync('chmod', ['-R', 'a+rX', ...found.map((path) => join(copy, relative(root, path)))]);
}
