/**
 * What is in an image's one layer, collected in memory as a list of names before anything is written. Owners, times and
 * order are not taken from the machine, so that the same files always make the same image.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One name in the layer. */
export type TreeEntry =
  | { readonly type: 'directory'; readonly mode: number }
  | { readonly type: 'file'; readonly mode: number; readonly from: string }
  | { readonly type: 'text'; readonly mode: number; readonly content: Buffer }
  | { readonly type: 'symlink'; readonly target: string };

/** A layer to be. Paths are absolute, as they are in the image. */
export interface ImageTree {
  /** All names, folders before what is in them. */
  entries(): readonly (readonly [path: string, entry: TreeEntry])[];
  directory(path: string, mode?: number): void;
  text(path: string, content: string | Buffer, mode?: number): void;
  symlink(path: string, target: string): void;
  /** A file of this machine, links to it followed. */
  file(path: string, from: string, mode?: number): void;
  /** A folder of this machine with all that is in it, links kept; `without` is asked with paths relative to it. */
  folder(path: string, from: string, without?: (relative: string) => boolean): void;
}

/** An empty one. */
export function createImageTree(): ImageTree {
  const found = new Map<string, TreeEntry>();
  const put = (path: string, entry: TreeEntry): void => {
    if (!posix.isAbsolute(path)) throw new TypeError(`image: a path in an image is absolute, got "${path}"`);
    const parent = posix.dirname(path);
    if (parent !== '/' && !found.has(parent)) put(parent, { type: 'directory', mode: 0o755 });
    found.set(path, entry);
  };
  const tree: ImageTree = {
    entries: () => [...found].sort(([a], [b]) => (a < b ? -1 : 1)),
    directory: (path, mode = 0o755) => put(path, { type: 'directory', mode }),
    text: (path, content, mode = 0o644) => put(path, { type: 'text', mode, content: Buffer.from(content) }),
    symlink: (path, target) => put(path, { type: 'symlink', target }),
    file: (path, from, mode) => {
      const real = realpathSync(from);
      put(path, { type: 'file', mode: mode ?? readableMode(real), from: real });
    },
    folder: (path, from, without = () => false) => {
      for (const relative of namesBelow(from)) {
        if (without(relative)) continue;
        const source = join(from, relative);
        const destination = posix.join(path, relative);
        const stats = lstatSync(source);
        if (stats.isDirectory()) tree.directory(destination);
        else if (stats.isSymbolicLink()) tree.symlink(destination, readlinkSync(source));
        else if (stats.isFile()) tree.file(destination, source);
      }
    },
  };
  return tree;
}

/** Content of an entry that is a file. */
export function contentOf(entry: TreeEntry & { readonly type: 'file' | 'text' }): Buffer {
  return entry.type === 'text' ? entry.content : readFileSync(entry.from);
}

/** Whatever umask the machine has: readable for all, and executable for all when it is for the owner. */
function readableMode(path: string): number {
  return (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755;
}

/** Names of all that is in a folder, relative to it. Links are names and lead nowhere: Node's own recursion follows them. */
export function namesBelow(folder: string): string[] {
  const walk = (prefix: string): string[] =>
    readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
      const name = posix.join(prefix, entry.name);
      return entry.isDirectory() ? [name, ...walk(name)] : [name];
    });
  return walk('').sort();
}
