/**
 * Who may import whom. The folders' meaning is in docs/architecture.md; an arrow that turns round fails here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { productionPackages } from '../../scripts/image-packages.mjs';
import { importsOf, isTest, listFiles, listSources, root, type SourceFile, workspaceOf } from './source-files.ts';

/** A page for development, which the services know nothing of. */
const CONSOLE = 'services/console';

const sources = listSources();
const production = sources.filter((file) => !isTest(file.path));
const workspaces = new Map(
  listFiles()
    .filter((path) => /^(packages|services)\/[^/]+\/package\.json$/.test(path))
    .map((path) => [String(JSON.parse(readFileSync(root + path, 'utf8')).name), posix.dirname(path)]),
);

/** The workspaces a file imports, by package name or by a relative path that leaves its own. */
function workspaceImports(file: SourceFile): string[] {
  return importsOf(file).flatMap((specifier) => {
    if (specifier.startsWith('.')) return [workspaceOf(posix.join(posix.dirname(file.path), specifier))];
    const name = specifier.split('/').slice(0, 2).join('/');
    const target = workspaces.get(name);
    return target === undefined ? [] : [target];
  });
}

function arrows(files: readonly SourceFile[]): Array<{ from: string; to: string; file: string }> {
  return files.flatMap((file) =>
    workspaceImports(file)
      .map((to) => ({ from: workspaceOf(file.path), to, file: file.path }))
      .filter(({ from, to }) => from !== to),
  );
}

test('there is something to check', () => {
  assert.ok(production.length > 50, `found only ${production.length} source files`);
  assert.ok(arrows(production).length > 20);
});

test('a service imports packages alone, and nothing imports a service', () => {
  assert.deepEqual(
    arrows(sources).filter(({ to }) => to.startsWith('services/')),
    [],
  );
});

test('spiffe-tls, contracts, refusals and telemetry import no workspace', () => {
  const leaves = ['packages/spiffe-tls', 'packages/contracts', 'packages/refusals', 'packages/telemetry'];
  assert.deepEqual(
    arrows(production).filter(({ from }) => leaves.includes(from)),
    [],
  );
});

test('the security core knows neither OPA, OpenTelemetry nor Express', () => {
  const foreign = /^(@open-policy-agent|@opentelemetry|express|pino)/;
  const offenders = production
    .filter(({ path }) => path.startsWith('packages/spiffe-tls/'))
    .filter((file) => importsOf(file).some((specifier) => foreign.test(specifier)));
  assert.deepEqual(
    offenders.map(({ path }) => path),
    [],
  );
});

test('only tests import testkit, and no service imports a development package', () => {
  const development = [
    'packages/dev-trust-domain',
    'packages/local-stack',
    'packages/identities',
    'packages/otlp-receiver',
  ];
  const offenders = arrows(production).filter(
    ({ from, to }) =>
      to === 'packages/testkit' || (from.startsWith('services/') && from !== CONSOLE && development.includes(to)),
  );
  assert.deepEqual(offenders, []);
});

test('the console is a development process: of the development packages it knows the control and the receiver alone', () => {
  const development = /^@countersign\/(dev-trust-domain|local-stack|identities|otlp-receiver|testkit)/;
  const known = production
    .filter(({ path }) => workspaceOf(path) === CONSOLE)
    .flatMap(importsOf)
    .filter((specifier) => development.test(specifier));
  assert.deepEqual([...new Set(known)].sort(), ['@countersign/local-stack/control', '@countersign/otlp-receiver']);
});

test('what the control imports reaches neither an identity nor a key', () => {
  const entry = 'packages/local-stack/src/control/index.ts';
  const reached = new Set([entry]);
  for (const path of reached) {
    const file = sources.find((source) => source.path === path);
    assert.ok(file !== undefined, path);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) reached.add(posix.join(posix.dirname(path), specifier));
      else assert.match(specifier, /^node:/, `${path} imports ${specifier}`);
    }
  }
  assert.ok(reached.size > 2, [...reached].join(' '));
});

test('nothing that is run in production contains the console', () => {
  const services = listFiles()
    .filter((path) => /^services\/[^/]+\/package\.json$/.test(path))
    .map(posix.dirname)
    .filter((service) => service !== CONSOLE);
  assert.ok(services.length >= 3);
  for (const service of services) {
    const folders = productionPackages(service).map(({ folder }) => folder);
    assert.deepEqual(
      folders.filter((folder) =>
        /^(services\/console|packages\/(local-stack|otlp-receiver))$|node_modules\/(react|vite)$/.test(folder),
      ),
      [],
      service,
    );
  }
  const deployed = listFiles().filter((path) => /^kind\/(base|examples)\//.test(path));
  assert.ok(deployed.length > 10);
  assert.deepEqual(
    deployed.filter((path) => /console/.test(readFileSync(root + path, 'utf8'))),
    [],
  );
});

test('no cycle between workspaces', () => {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrows(production)) next.set(from, (next.get(from) ?? new Set()).add(to));
  const reaches = (from: string, target: string, seen = new Set<string>()): boolean =>
    [...(next.get(from) ?? [])].some((to) => to === target || (!seen.has(to) && reaches(to, target, seen.add(to))));
  assert.deepEqual(
    [...next.keys()].filter((workspace) => reaches(workspace, workspace)),
    [],
  );
});

test('every import of a workspace or package is declared by the workspace that uses it', () => {
  const undeclared: string[] = [];
  for (const file of sources) {
    const manifest = JSON.parse(readFileSync(`${root}${workspaceOf(file.path)}/package.json`, 'utf8'));
    const rootManifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    const declared = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    if (isTest(file.path)) Object.assign(declared, rootManifest.devDependencies);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      if (!(name in declared) && name !== manifest.name) undeclared.push(`${file.path}: ${name}`);
    }
  }
  assert.deepEqual(undeclared, []);
});
