/** Programs of others, asked about a file each: what they find, as findings. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type Finding, quoted } from './findings.ts';
import { asJson, at, isList, type Json, listAt, textAt } from './json.ts';
import { root } from './render.ts';

/** Where each program is, by its name. */
export type Tools = Readonly<Record<string, string>>;

/** What kube-score asks for and we do otherwise. Each line says why. */
const NOT_ASKED = {
  'container-image-tag': 'Tilt gives the tag; rule image-pinned knows which images are built here',
  'container-image-pull-policy':
    'tags are pinned: a pull at each start would make the registry a part of every restart',
  'container-ephemeral-storage-request-and-limit': 'root file systems are read-only and volumes have a sizeLimit',
  'container-security-context-user-group-id':
    "the images' own users have low numbers; user namespaces are the node's to give",
  'deployment-replicas': 'one replica is what a laptop has; kind/components/replicas has more',
  'deployment-has-host-podantiaffinity': 'spread by topologySpreadConstraints where there is more than one',
  'networkpolicy-targets-pod': 'policies of workloads that start later; rule edge-matrix judges them',
  'pod-probes-identical': 'of the Collector and of Jaeger, which answer on one port',
} as const;
/** Of ten: below it is a warning. */
const SCORE_OK = 7;

/** What is wrong with a manifest by the schemas of 1.36, unknown fields included. */
export function validated(tools: Tools, file: string): readonly Finding[] {
  const { status, said } = run(tools, 'kubernetes-validate', ['-k', '1.36', '--strict', file]);
  if (status === 0) return [];
  const lines = said.split('\n').filter((line) => line !== '' && !/ passed for /.test(line));
  return lines.map((line) => ({ rule: 'kubernetes-validate', object: 'manifest', says: line.replaceAll(file, '') }));
}

/** What kube-score thinks of a manifest. */
export function scored(tools: Tools, file: string): readonly Finding[] {
  const ignored = Object.keys(NOT_ASKED).flatMap((name) => ['--ignore-test', name]);
  const options = ['--kubernetes-version', 'v1.36', '--output-format', 'json', '--ignore-container-cpu-limit'];
  const { stdout, said } = run(tools, 'kube-score', ['score', ...options, ...ignored, file]);
  const scores = stdout.startsWith('[') ? asJson(JSON.parse(stdout)) : undefined;
  if (!isList(scores) || scores.length === 0)
    return [{ rule: 'kube-score', object: 'manifest', says: `it says nothing that can be read: ${quoted(said)}` }];
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

/** What hadolint finds in a Dockerfile. */
export function linted(tools: Tools, file: string): readonly Finding[] {
  return lineFaults(tools, 'hadolint', ['--no-color'], [file]);
}

/** What shellcheck finds in scripts, with those that they source. */
export function shellFaults(tools: Tools, files: readonly string[]): readonly Finding[] {
  return lineFaults(tools, 'shellcheck', ['--format=gcc', '--external-sources', '--source-path=SCRIPTDIR'], files);
}

/** A finding for each line of a program that is silent when it finds nothing. */
function lineFaults(
  tools: Tools,
  rule: string,
  options: readonly string[],
  files: readonly string[],
): readonly Finding[] {
  const { status, said } = run(tools, rule, [...options, ...files]);
  if (status === 0) return [];
  const lines = said.split('\n').filter((line) => line !== '');
  const object = files.length === 1 ? String(files[0]) : `${files.length} files`;
  return (lines.length === 0 ? [`it ended with ${status}`] : lines).map((says) => ({ rule, object, says }));
}

/** How a Tiltfile is read: as `tilt up` reads it, unless said otherwise. */
export interface TiltOptions {
  /** Of the cluster that is chosen. */
  readonly context?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** After the `--` of `tilt up`. */
  readonly args?: readonly string[];
}

/** What Tilt itself makes of a Tiltfile, for a cluster that need not be there. */
export function evaluated(
  tools: Tools,
  tiltfile: string,
  { context = 'kind-countersign', env = {}, args = [] }: TiltOptions = {},
): { readonly findings: readonly Finding[]; readonly result: Json } {
  return inFolder((home) => {
    const command = ['alpha', 'tiltfile-result', '-f', tiltfile, '--', ...args];
    const { status, stdout, said } = run(tools, 'tilt', command, { ...tiltEnv(tools, home, context), ...env });
    if (status === 0) return { findings: [], result: asJson(JSON.parse(stdout)) };
    const says = `tilt ended with ${status}: ${quoted(said.trim().slice(-100))}`;
    return { findings: [{ rule: 'tiltfile', object: tiltfile, says }], result: {} };
  });
}

function tiltEnv(tools: Tools, home: string, name: string): NodeJS.ProcessEnv {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    // Nobody listens there: reading the file asks no server.
    clusters: [{ name, cluster: { server: 'http://127.0.0.1:9' } }],
    users: [{ name, user: {} }],
  };
  const kubeconfig = join(home, 'kubeconfig.json');
  writeFileSync(kubeconfig, JSON.stringify(config));
  const path = [dirname(toolOf(tools, 'kubectl')), process.env['PATH'] ?? ''].join(delimiter);
  return { PATH: path, HOME: home, KUBECONFIG: kubeconfig, TILT_DISABLE_ANALYTICS: '1' };
}

/** Whether the committed schemas are those of kubernetes-validate, which they were taken from. */
export function schemasCurrent(tools: Tools): readonly Finding[] {
  const folder = join(dirname(toolOf(tools, 'kubernetes-validate')), 'venv', 'lib');
  const [python = ''] = readdirSync(folder);
  const schemas = join(folder, python, 'site-packages/kubernetes_validate/kubernetes-json-schema/v1.36.0-local-strict');
  const node = { node: process.execPath };
  const { status, said } = run(node, 'node', ['test/manifests/schemas/generate.ts', schemas, '--check']);
  return status === 0 ? [] : [{ rule: 'schemas-current', object: 'test/manifests/schemas', says: said.trim() }];
}

function run(tools: Tools, name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const options = { cwd: root, encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 } as const;
  const { status, stdout, stderr, error } = spawnSync(toolOf(tools, name), args, options);
  if (error !== undefined) throw error;
  return { status, stdout, said: `${stdout}${stderr}` };
}

function toolOf(tools: Tools, name: string): string {
  const program = tools[name];
  if (program === undefined) throw new Error(`manifests: there is no ${name}`);
  return program;
}

/** A folder that is gone afterwards. */
export function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
