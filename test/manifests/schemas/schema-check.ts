/**
 * Objects against the schemas of their kinds: Kubernetes 1.36's own, and ours of the custom resources that we write. A kind
 * without a schema is a finding: what nobody checks must not look checked.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Finding, quoted } from '../findings.ts';
import { asJson, at, type Json } from '../json.ts';
import { idOf, type KubeObject } from '../objects.ts';

const CUSTOM: Readonly<Record<string, string>> = {
  'spire.spiffe.io/v1alpha1 ClusterSPIFFEID': 'cluster-spiffe-id',
  'spire.spiffe.io/v1alpha1 ClusterFederatedTrustDomain': 'cluster-federated-trust-domain',
  'kind.x-k8s.io/v1alpha4 Cluster': 'kind-cluster',
  'cert-manager.io/v1 Issuer': 'cert-manager-issuer',
  'cert-manager.io/v1 ClusterIssuer': 'cert-manager-issuer',
  'cert-manager.io/v1 Certificate': 'cert-manager-certificate',
};
const GROUPS: Readonly<Record<string, string>> = { '': 'core', 'rbac.authorization.k8s.io': 'rbac' };

// Formats are Go's integer sizes and the like: the API server knows them, ajv does not.
const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
const core = readSchema('kubernetes-1.36');
ajv.addSchema(core, 'kubernetes');
const compiled = new Map<string, ValidateFunction>();

/** What a schema's file says, for who compares it with another source. */
export function readSchema(name: string): { readonly [key: string]: Json } {
  const schema = asJson(JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')));
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw new TypeError(`schemas: ${name}`);
  return Object.fromEntries(Object.entries(schema));
}

/** Unknown fields, missing ones, and values of another type. */
export function schemaFaults(objects: readonly KubeObject[]): readonly Finding[] {
  return objects.flatMap((object) => documentFaults(object.apiVersion, object.kind, object.body, idOf(object)));
}

/** The same for a document that has no name in a cluster, such as kind's configuration. */
export function documentFaults(apiVersion: string, kind: string, body: Json, object: string): readonly Finding[] {
  const validate = validatorOf(apiVersion, kind);
  if (validate === undefined)
    return [{ rule: 'schema', object, says: `there is no schema of ${apiVersion} ${kind} to check it by` }];
  if (validate(body)) return [];
  return (validate.errors ?? []).map((error) => ({ rule: 'schema', object, says: explain(error, body) }));
}

function validatorOf(apiVersion: string, kind: string): ValidateFunction | undefined {
  const key = `${apiVersion} ${kind}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const schema = customSchema(key) ?? coreSchema(apiVersion, kind);
  if (schema === undefined) return undefined;
  const validate = ajv.compile(schema);
  compiled.set(key, validate);
  return validate;
}

function customSchema(key: string): object | undefined {
  const name = CUSTOM[key];
  if (name === undefined) return undefined;
  // Two kinds may share one: without its name, which may be there once.
  const { $id: _, ...schema } = readSchema(`custom/${name}`);
  return schema;
}

/** `networking.k8s.io/v1` -> `networking.v1`. */
function coreSchema(apiVersion: string, kind: string): object | undefined {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const short = GROUPS[group] ?? group.replace(/\.k8s\.io$/, '');
  const name = `${short}.${version}.${kind}`;
  return at(core, '$defs', name) === undefined ? undefined : { $ref: `kubernetes#/$defs/${name}` };
}

function explain({ instancePath, keyword, params, message }: ErrorObject, body: Json): string {
  const path = instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/');
  const field: unknown = Object.values(params)[0];
  if (keyword === 'additionalProperties') return `unknown field ${path === '' ? '' : `${path}.`}${String(field)}`;
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));
  return `${path === '' ? 'it' : path} ${message ?? 'is invalid'}, got ${quoted(at(body, ...steps))}`;
}
