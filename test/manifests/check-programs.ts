/** The same manifests, as programs of others judge them: schemas, scores, the Dockerfile, the Tiltfile, SPIRE's own definitions. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitionFaults } from './custom-definitions.ts';
import { type Finding, quoted } from './findings.ts';
import { asJson, at, isList, type Json, listAt, textAt } from './json.ts';
import type { Part } from './main.ts';
import { render, root } from './render.ts';
import { foldersOf, type Surroundings } from './systems.ts';

type Tools = Readonly<Record<string, string>>;

/** What kube-score asks for and we do otherwise. Each line says why. */
const NOT_ASKED = {
  'container-image-tag': 'Tilt gives the tag; rule image-pinned knows which images are built here',
  'container-image-pull-policy':
    'tags are pinned: a pull at each start would make the registry a part of every restart',
  'container-ephemeral-storage-request-and-limit': 'root file systems are read-only and volumes have a sizeLimit',
  'container-security-context-user-group-id':
    "the image's own users have low numbers; user namespaces are the node's to give",
  'deployment-replicas': 'one replica is what a laptop has; kind/components/replicas has more',
  'deployment-has-host-podantiaffinity': 'spread by topologySpreadConstraints where there is more than one',
  'networkpolicy-targets-pod': 'policies of workloads that start later; rule edge-matrix judges them',
  'pod-probes-identical': 'of the Collector and of Jaeger, which answer on one port',
} as const;
const SCORE_OK = 7;

export function* checkWithPrograms(tools: Tools, surroundings: Surroundings): Generator<Part> {
  const overlays = foldersOf('kind/overlays');
  for (const overlay of overlays) {
    yield {
      title: `${overlay}: kubernetes-validate, kube-score`,
      findings: withManifest(tools, overlay, (file) => [...validated(tools, overlay, file), ...scored(tools, file)]),
    };
  }
  yield { title: 'Dockerfile: hadolint', findings: linted(tools) };
  yield { title: 'schemas: as their source has them', findings: schemasCurrent(tools) };
  yield { title: "custom resources: SPIRE's own definitions", findings: definitionFaults(tools['crds'] ?? '') };
  yield { title: 'Tiltfile: tilt alpha tiltfile-result', findings: evaluated(tools, surroundings) };
}

function run(program: string | undefined, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  if (program === undefined) throw new Error(`manifests: no program for ${args.join(' ')}`);
  const options = { cwd: root, encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function withManifest(tools: Tools, overlay: string, use: (file: string) => readonly Finding[]): readonly Finding[] {
  return inFolder((folder) => {
    const file = join(folder, 'manifest.yaml');
    const documents = render(tools['kubectl'] ?? '', overlay).map(({ body }) => JSON.stringify(body));
    writeFileSync(file, documents.join('\n---\n'));
    return use(file);
  });
}

function validated(tools: Tools, overlay: string, file: string): readonly Finding[] {
  const { status, stdout, stderr } = run(tools['kubernetes-validate'], ['-k', '1.36', '--strict', file]);
  if (status === 0) return [];
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !/ passed for /.test(line));
  return lines.map((says) => ({ rule: 'kubernetes-validate', object: overlay, says: says.replaceAll(file, '') }));
}

function scored(tools: Tools, file: string): readonly Finding[] {
  const ignored = Object.keys(NOT_ASKED).flatMap((name) => ['--ignore-test', name]);
  const options = [
    '--kubernetes-version',
    'v1.36',
    '--output-format',
    'json',
    '--ignore-container-cpu-limit',
    ...ignored,
  ];
  const { stdout, stderr } = run(tools['kube-score'], ['score', ...options, file]);
  const scores = stdout.startsWith('[') ? asJson(JSON.parse(stdout)) : undefined;
  if (!isList(scores) || scores.length === 0)
    return [{ rule: 'kube-score', object: 'kube-score', says: `it says nothing that can be read: ${quoted(stderr)}` }];
  return scores.flatMap((object) =>
    listAt(object, 'checks').flatMap((check) => (isFailed(check) ? [scoreFinding(object, check)] : [])),
  );
}

function isFailed(check: Json): boolean {
  const grade = at(check, 'grade');
  return at(check, 'skipped') !== true && !(typeof grade === 'number' && grade >= SCORE_OK);
}

function scoreFinding(object: Json, check: Json): Finding {
  const comments = listAt(check, 'comments').map(
    (comment) => `${textAt(comment, 'path')} ${textAt(comment, 'summary')}`,
  );
  return {
    rule: `kube-score ${textAt(check, 'check', 'id')}`,
    object: `${textAt(object, 'type_meta', 'kind')} ${textAt(object, 'object_meta', 'name')}`,
    says: comments.join('; ').trim(),
  };
}

function linted(tools: Tools): readonly Finding[] {
  const { status, stdout, stderr } = run(tools['hadolint'], ['--no-color', 'Dockerfile']);
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  if (status === 0) return [];
  return lines.map((says) => ({ rule: 'hadolint', object: 'Dockerfile', says }));
}

/** The package of kubernetes-validate is where the schemas came from: this one has the same. */
function schemasCurrent(tools: Tools): readonly Finding[] {
  const folder = join(tools['kubernetes-validate'] ?? '', '..', 'venv', 'lib');
  const python = readdirSync(folder).find((name) => name.startsWith('python')) ?? '';
  const schemas = join(folder, python, 'site-packages/kubernetes_validate/kubernetes-json-schema/v1.36.0-local-strict');
  const { status, stderr } = run(process.execPath, ['test/manifests/schemas/generate.ts', schemas, '--check']);
  return status === 0 ? [] : [{ rule: 'schemas-current', object: 'test/manifests/schemas', says: stderr.trim() }];
}

/** Read by Tilt itself, for a cluster that need not be there. */
function evaluated(tools: Tools, { builtImages }: Surroundings): readonly Finding[] {
  const finding = (says: string): Finding => ({ rule: 'tiltfile', object: 'Tiltfile', says });
  return inFolder((home) => {
    const { status, stdout, stderr } = run(
      tools['tilt'],
      ['alpha', 'tiltfile-result', '-f', 'Tiltfile'],
      tiltEnv(tools, home),
    );
    if (status !== 0) return [finding(`tilt ended with ${status}: ${quoted(stderr.trim().slice(-600))}`)];
    const result = asJson(JSON.parse(stdout));
    const built = listAt(result, 'Manifests').flatMap(imagesBuilt);
    const resources = listAt(result, 'Manifests').map((manifest) => textAt(manifest, 'Name'));
    return [
      ...[...builtImages]
        .filter((image) => !built.includes(image))
        .map((image) => finding(`${image} is built by no resource`)),
      ...[...new Set(built)]
        .filter((image) => !builtImages.has(image))
        .map((image) => finding(`${image} is no service`)),
      ...(resources.length < 10
        ? [finding(`it has ${resources.length} resources alone: ${resources.join(', ')}`)]
        : []),
    ];
  });
}

function imagesBuilt(manifest: Json): readonly string[] {
  return listAt(manifest, 'ImageTargets').flatMap((target) => {
    const name = textAt(target, 'selector') ?? textAt(target, 'ref') ?? textAt(target, 'ID', 'Name');
    return name === undefined ? [] : [name.replace(/^docker\.io\//, '')];
  });
}

function tiltEnv(tools: Tools, home: string): NodeJS.ProcessEnv {
  const context = 'kind-countersign';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    clusters: [{ name: context, cluster: { server: 'http://127.0.0.1:9' } }],
    users: [{ name: context, user: {} }],
  };
  const kubeconfig = join(home, 'kubeconfig.json');
  writeFileSync(kubeconfig, JSON.stringify(config));
  const path = `${join(tools['kubectl'] ?? '', '..')}:${process.env['PATH'] ?? ''}`;
  return { PATH: path, HOME: home, KUBECONFIG: kubeconfig, TILT_DISABLE_ANALYTICS: '1' };
}
