/** Our schemas of SPIRE's custom resources, against the definitions that its controller manager brings. Ours are stricter; none may know another field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './findings.ts';
import { at, listAt, objectAt, textListAt } from './json.ts';
import { parseYaml } from './objects.ts';
import { readSchema } from './schemas/schema-check.ts';

const OURS = {
  'cluster-spiffe-id': 'spire.spiffe.io_clusterspiffeids.yaml',
  'cluster-federated-trust-domain': 'spire.spiffe.io_clusterfederatedtrustdomains.yaml',
} as const;

/** @param folder the definitions, a file each */
export function definitionFaults(folder: string): readonly Finding[] {
  return Object.entries(OURS).flatMap(([schema, file]) => {
    const finding = (says: string): Finding => ({
      rule: 'custom-definition',
      object: `schemas/custom/${schema}.json`,
      says,
    });
    const ours = at(readSchema(`custom/${schema}`), 'properties', 'spec');
    const theirs = specOf(join(folder, file));
    const [mine, real] = [ours, theirs].map((spec) => Object.keys(objectAt(spec, 'properties')));
    return [
      ...(real ?? []).filter((field) => !mine?.includes(field)).map((field) => finding(`it does not know ${field}`)),
      ...(mine ?? []).filter((field) => !real?.includes(field)).map((field) => finding(`there is no ${field}`)),
      ...textListAt(theirs, 'required')
        .filter((field) => !textListAt(ours, 'required').includes(field))
        .map((field) => finding(`it does not demand ${field}`)),
    ];
  });
}

function specOf(file: string) {
  const [definition] = parseYaml(readFileSync(file, 'utf8'), file);
  const [version] = listAt(definition, 'spec', 'versions');
  return at(version, 'schema', 'openAPIV3Schema', 'properties', 'spec');
}
