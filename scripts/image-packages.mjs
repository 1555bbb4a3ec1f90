/**
 * `node scripts/image-packages.mjs <service> <folder>`: copies the installed packages that a service runs with, and links to
 * the workspaces among them. npm's own `--omit=dev` leaves in what other workspaces need for their tests. Plain JavaScript.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));

/**
 * What a workspace needs to run, itself first: what manifests name as dependencies, those that are optional if they are there,
 * and peers, found as Node finds them. Of what it lists under `countersign.alone` it runs a part that needs nothing else: those
 * come without what they depend on.
 * @returns {{ folder: string, links: string[] }[]} paths from the root; `links` lead to it where it is a workspace
 */
export function productionPackages(workspace, root = here) {
  const found = new Map();
  const { countersign: { alone = [] } = {} } = manifestOf(root, workspace);
  const visit = (path) => {
    const folder = relative(realpathSync(root), realpathSync(join(root, path)));
    const isNew = !found.has(folder);
    const links = found.get(folder) ?? new Set();
    found.set(folder, path === folder ? links : links.add(path));
    if (!isNew) return;
    const manifest = manifestOf(root, folder);
    if (alone.includes(manifest.name)) return;
    for (const [name, needed] of dependenciesOf(manifest)) {
      const place = findPackage(root, folder, name);
      if (place !== undefined) visit(place);
      else if (needed) throw new Error(`${folder} needs ${name}, which is not installed`);
    }
  };
  visit(workspace);
  return [...found].map(([folder, links]) => ({ folder, links: [...links] }));
}

/** @returns {{ name: string, version: string } & Record<string, any>} */
export function manifestOf(root, folder) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

function dependenciesOf({ dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta }) {
  const optional = (name) => name in optionalDependencies || peerDependenciesMeta?.[name]?.optional === true;
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names.map((name) => [name, !optional(name)]);
}

function findPackage(root, folder, name) {
  for (let at = folder; ; at = dirname(at)) {
    const place = join(at, 'node_modules', name);
    if (basename(at) !== 'node_modules' && existsSync(join(root, place, 'package.json'))) return place;
    if (at === '.') return undefined;
  }
}

/** Of no use to Node: types, maps to sources that are not there, and native code for another runtime. */
const USELESS = /\.(d\.[cm]?ts|map|bare)$/;

/** Workspaces stay links; their sources are not copied. */
function copyPackages(workspace, to) {
  for (const { folder, links } of productionPackages(workspace)) {
    for (const link of links) {
      mkdirSync(dirname(join(to, link)), { recursive: true });
      symlinkSync(relative(dirname(link), folder), join(to, link));
    }
    if (links.length > 0 || folder === workspace) continue;
    const own = join(here, folder);
    const filter = (path) => path !== join(own, 'node_modules') && !USELESS.test(path);
    cpSync(own, join(to, folder), { recursive: true, filter });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [service, to] = process.argv.slice(2);
  if (to === undefined) throw new Error('usage: node scripts/image-packages.mjs <service> <folder>');
  copyPackages(join('services', service), to);
}
