/**
 * Takes the schemas of the kinds that our manifests have out of those of a Kubernetes version, as PyPI's `kubernetes-validate`
 * brings them, without the prose: `node test/manifests/schemas/generate.ts <folder v1.36.0-local-strict>`, with `--check` to
 * compare only. So `npm run check` needs neither Python nor a network.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { asJson, at, isList, isObject, type Json, type JsonObject, objectAt } from '../json.ts';

const KINDS = [
  ...kinds('core.v1', 'ConfigMap Namespace PersistentVolume PersistentVolumeClaim Pod Secret Service ServiceAccount'),
  ...kinds('apps.v1', 'DaemonSet Deployment StatefulSet'),
  ...kinds('batch.v1', 'CronJob Job'),
  ...kinds('networking.v1', 'NetworkPolicy'),
  ...kinds('policy.v1', 'PodDisruptionBudget'),
  ...kinds('rbac.v1', 'ClusterRole ClusterRoleBinding Role RoleBinding'),
  ...kinds('storage.v1', 'CSIDriver StorageClass'),
  ...kinds('admissionregistration.v1', 'ValidatingWebhookConfiguration'),
];

function kinds(group: string, names: string): string[] {
  return names.split(' ').map((name) => `io.k8s.api.${group}.${name}`);
}

/** The kinds with all that they refer to, under short names. */
export function extract(definitions: JsonObject): Json {
  const found = new Map<string, Json>();
  const wanted = [...KINDS];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (found.has(name)) continue;
    const definition = definitions[name];
    if (definition === undefined) throw new Error(`schemas: there is no definition ${name}`);
    found.set(name, definition);
    wanted.push(...referencesOf(definition));
  }
  const sorted = [...found].sort(([one], [other]) => (one < other ? -1 : 1));
  return { $defs: Object.fromEntries(sorted.map(([name, definition]) => [shortName(name), lean(definition)])) };
}

function referencesOf(value: Json): readonly string[] {
  return [...JSON.stringify(value).matchAll(/#\/\$defs\/([^"]+)"/g)].map(([, name = '']) => name);
}

function shortName(name: string): string {
  return name.replace(/^io\.k8s\.(api|apimachinery\.pkg)\./, '').replace(/^(apis|util)\./, '');
}

/** Without prose, and without null: in a manifest it is a value that somebody forgot. */
function lean(value: Json): Json {
  if (isList(value)) return value.map(lean);
  if (!isObject(value)) return value;
  const alternatives = at(value, 'oneOf');
  if (isList(alternatives)) return { type: alternatives.flatMap((one) => plainType(at(one, 'type'))) };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, one]) => !(key === 'description' && typeof one === 'string') && !key.startsWith('x-kubernetes'))
      .map(([key, one]) => [key, leanField(key, one)]),
  );
}

function leanField(key: string, value: Json): Json {
  // Its keys are names of fields, of which one may be called "type".
  if (key === 'properties' && isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, lean(one)]));
  if (key === '$ref' && typeof value === 'string') return `#/$defs/${shortName(value.replace(/^.*\/\$defs\//, ''))}`;
  if (key !== 'type') return lean(value);
  const types = plainType(value);
  return types.length === 1 ? (types[0] ?? '') : types;
}

function plainType(value: Json | undefined): readonly string[] {
  const types = isList(value) ? value : [value ?? null];
  return types.flatMap((type) => (typeof type === 'string' && type !== 'null' ? [type] : []));
}

if (import.meta.main) {
  const [folder = '', ...flags] = process.argv.slice(2);
  const fresh = extract(objectAt(asJson(JSON.parse(readFileSync(join(folder, '_definitions.json'), 'utf8'))), '$defs'));
  const file = new URL('kubernetes-1.36.json', import.meta.url);
  if (!flags.includes('--check')) writeFileSync(file, `${JSON.stringify(fresh)}\n`);
  else if (!isDeepStrictEqual(asJson(JSON.parse(readFileSync(file, 'utf8'))), fresh)) {
    console.error('schemas: kubernetes-1.36.json is not what its source says: generate it again');
    process.exitCode = 1;
  }
}
