/**
 * Finds the Chromium that pages are tested in. Browsers are the machine's own: none is downloaded. Plain JavaScript.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { aptInstall, run } from './peer-packages.mjs';

/** As distributions call it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** A page is drawn with some font of the machine's; Debian's package recommends none that has all our letters. */
const DEBIAN = ['chromium', 'fonts-dejavu-core'];

/** @returns {string | undefined} path of the program: `COUNTERSIGN_CHROMIUM`, or the first of its names on PATH */
export function findChromium(env = process.env) {
  const chosen = env.COUNTERSIGN_CHROMIUM ?? '';
  if (chosen !== '') {
    if (isAbsolute(chosen) && isProgram(chosen)) return chosen;
    throw new Error(`COUNTERSIGN_CHROMIUM must be the absolute path of a program, got ${JSON.stringify(chosen)}`);
  }
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

/** The same; installs it where that needs no question: as root on Debian. Throws an error that says what to do. */
export function ensureChromium(say, env = process.env, isRoot = process.getuid?.() === 0) {
  const found = findChromium(env);
  if (found !== undefined) return found;
  const remedy = `needs Chromium or Chrome on PATH, or its path in COUNTERSIGN_CHROMIUM (Debian: apt-get install ${DEBIAN.join(' ')})`;
  if (!isRoot || !existsSync('/etc/debian_version')) throw new Error(remedy);
  say(`apt-get install ${DEBIAN.join(' ')}`);
  run('apt-get', ['update', '-qq'], { env }, remedy);
  aptInstall(DEBIAN, env, remedy);
  const installed = findChromium(env);
  if (installed === undefined) throw new Error(`${remedy}; installed, but it is not on PATH`);
  return installed;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
