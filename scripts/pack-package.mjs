/**
 * `node scripts/pack-package.mjs <package> <folder>`: builds a package of the workspace and packs it as it would be published.
 * In the workspace packages run from their TypeScript sources, without a build; what is published is JavaScript with types, from
 * a manifest that is derived here, so that the two can't differ in anything else.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureSetup, root } from './setup.mjs';

/** What is left of the workspace's manifest. */
const KEPT = ['name', 'version', 'description', 'license', 'type', 'engines', 'dependencies'];
const KEPT_TOO = ['peerDependencies', 'peerDependenciesMeta', 'keywords'];

/** @returns {string} path of the tarball */
export function packPackage(name, folder) {
  const source = join(root, 'packages', name);
  const stage = mkdtempSync(join(tmpdir(), `countersign-pack-${name}-`));
  try {
    build(source, join(stage, 'dist'));
    const manifest = publishedManifest(JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')));
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    for (const file of manifest.files.filter((it) => it !== 'dist')) cpSync(join(source, file), join(stage, file));
    cpSync(join(source, 'README.md'), join(stage, 'README.md'));
    cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
    mkdirSync(folder, { recursive: true });
    const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], stage);
    return join(folder, JSON.parse(packed)[0].filename);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Exported for its test. */
export function publishedManifest(manifest) {
  const kept = [...KEPT, ...KEPT_TOO].filter((field) => field in manifest).map((field) => [field, manifest[field]]);
  const exports = Object.entries(manifest.exports).map(([path, target]) => [path, publishedTarget(target)]);
  const bin = Object.entries(manifest.bin ?? {}).map(([name, target]) => [name, toBuilt(target, '.js')]);
  const data = Object.values(manifest.exports).filter((target) => !target.endsWith('.ts'));
  return {
    ...Object.fromEntries(kept),
    exports: Object.fromEntries(exports),
    ...(bin.length > 0 ? { bin: Object.fromEntries(bin) } : {}),
    files: ['dist', ...data.map((target) => target.replace('./', ''))],
    // Importing does nothing, so a bundler may leave out what is not used.
    sideEffects: false,
  };
}

function publishedTarget(target) {
  return target.endsWith('.ts') ? { types: toBuilt(target, '.d.ts'), default: toBuilt(target, '.js') } : target;
}

function toBuilt(source, extension) {
  return source.replace('./src/', './dist/').replace(/\.ts$/, extension);
}

function build(source, outDir) {
  run(
    join(root, 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', outDir, '--sourceMap', 'false'],
    source,
  );
  // The compiler rewrites specifiers in JavaScript alone.
  for (const file of readdirSync(outDir, { recursive: true }).filter((path) => path.endsWith('.d.ts'))) {
    const text = readFileSync(join(outDir, file), 'utf8');
    writeFileSync(join(outDir, file), text.replace(/(from '|import\(")(\.[^'"]*)\.ts(?=['"])/g, '$1$2.js'));
  }
}

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
}

if (process.argv[1] === import.meta.filename) {
  const [name, folder] = process.argv.slice(2);
  if (name === undefined || folder === undefined) {
    console.error('usage: node scripts/pack-package.mjs spiffe-tls|dev-trust-domain <folder>');
    process.exit(2);
  }
  ensureSetup();
  console.log(packPackage(name, folder));
}
