/** Objects of Kubernetes, read from YAML: a mistake of the YAML itself (a key twice, a tab) is an error here. */
import { parseAllDocuments } from 'yaml';
import { asJson, isObject, type Json, type JsonObject, textAt } from './json.ts';

/** One object with the names it goes by. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Empty for what has none. */
  readonly namespace: string;
  readonly body: JsonObject;
}

/** All documents of a YAML text; empty ones are left out. @throws {Error} with the place */
export function parseYaml(text: string, origin: string): readonly Json[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${origin}: ${error.message}`);
    const value = asJson(document.toJS());
    return value === null ? [] : [value];
  });
}

/** The objects of a YAML text. @throws {Error} for a document that is none */
export function parseObjects(text: string, origin: string): readonly KubeObject[] {
  return parseYaml(text, origin).map((document) => toObject(document, origin));
}

/** @throws {Error} without kind, apiVersion or name */
export function toObject(document: Json, origin: string): KubeObject {
  const [apiVersion, kind] = [textAt(document, 'apiVersion'), textAt(document, 'kind')];
  const name = textAt(document, 'metadata', 'name');
  if (!isObject(document) || apiVersion === undefined || kind === undefined || name === undefined)
    throw new Error(`${origin}: a document without apiVersion, kind or metadata.name`);
  return { apiVersion, kind, name, namespace: textAt(document, 'metadata', 'namespace') ?? '', body: document };
}

/** `Deployment shop/backend`. */
export function idOf({ kind, namespace, name }: KubeObject): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

export function ofKind(objects: readonly KubeObject[], kind: string): readonly KubeObject[] {
  return objects.filter((object) => object.kind === kind);
}

/** The object of this kind and name in a namespace. */
export function findObject(
  objects: readonly KubeObject[],
  kind: string,
  namespace: string,
  name: string,
): KubeObject | undefined {
  return objects.find((one) => one.kind === kind && one.namespace === namespace && one.name === name);
}
