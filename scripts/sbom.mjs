/**
 * `node scripts/sbom.mjs <service> [cyclonedx | spdx]`: writes the bill of materials of a service's image to standard output:
 * the packages that scripts/image-packages.mjs takes, described by npm. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { manifestOf, productionPackages } from './image-packages.mjs';
import { ensurePackages, root } from './install.mjs';

const [service, format = 'cyclonedx'] = process.argv.slice(2);
if (service === undefined || !['cyclonedx', 'spdx'].includes(format)) {
  console.error('usage: node scripts/sbom.mjs <service> [cyclonedx | spdx]');
  process.exit(2);
}
ensurePackages();
const temporary = mkdtempSync(join(tmpdir(), 'countersign-sbom-'));
// npm calls the application as its folder is called.
const work = join(temporary, service);
try {
  process.exitCode = describe(join('services', service));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

/** npm describes what it finds installed, so it gets a folder with the manifests of exactly these packages. */
function describe(workspace) {
  const packages = productionPackages(workspace, root);
  const workspaces = packages.filter(({ links }) => links.length > 0).map(({ folder }) => folder);
  for (const { folder, links } of packages) {
    const { devDependencies: _, scripts: __, ...manifest } = manifestOf(root, folder);
    write(folder, manifest);
    for (const link of links) {
      mkdirSync(join(work, dirname(link)), { recursive: true });
      symlinkSync(relative(dirname(link), folder), join(work, link));
    }
  }
  const { name, version, license, dependencies } = manifestOf(root, workspace);
  write('.', { name, version, license, dependencies, private: true, workspaces });
  const flags = ['--sbom-format', format, '--sbom-type', 'application', '--omit', 'dev'];
  const { status, error } = spawnSync('npm', ['sbom', ...flags], { cwd: work, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

function write(folder, manifest) {
  mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
