/**
 * A hint that something in a directory changed. Only a hint: inotify stays silent across some mounts, and a directory that
 * is replaced takes its watcher with it, so whoever uses this looks again from time to time anyway.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';

/** Watchers of several directories. */
export interface DirectoryWatch {
  /** Watches what is not watched, or no longer is what it was. Cheap; call it before each look. */
  renew(): void;
  close(): void;
}

/** Calls `onHint` when something changes in one of `directories`. Nothing is watched before `renew`. */
export function createDirectoryWatch(directories: Iterable<string>, onHint: () => void): DirectoryWatch {
  const watched = new Map<string, { readonly inode: string; readonly watcher: FSWatcher } | undefined>();
  for (const directory of directories) watched.set(directory, undefined);

  function renewOne(directory: string): void {
    const present = watched.get(directory);
    const inode = inodeOf(directory);
    if (present !== undefined && present.inode === inode) return;
    present?.watcher.close();
    watched.set(directory, inode === undefined ? undefined : open(directory, inode));
  }

  function open(directory: string, inode: string) {
    try {
      // Never what keeps the process alive: the timer of the next look is.
      const watcher = watch(directory, { persistent: false }, onHint);
      watcher.on('error', () => {
        watcher.close();
        if (watched.get(directory)?.watcher === watcher) watched.set(directory, undefined);
      });
      return { inode, watcher };
    } catch {
      // Too many watches, or the directory has gone again. The next look tries anew.
      return undefined;
    }
  }

  return {
    renew() {
      for (const directory of watched.keys()) renewOne(directory);
    },
    close() {
      for (const entry of watched.values()) entry?.watcher.close();
      watched.clear();
    },
  };
}

/** What tells a directory from another of the same name. */
function inodeOf(directory: string): string | undefined {
  try {
    const { dev, ino } = statSync(directory, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
