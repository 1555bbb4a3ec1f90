/**
 * What the compiled policy is made from, and the revision that names it: a hash of the sources. So that a bundle is
 * current can be told without OPA; that it is what OPA makes of them takes OPA.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { loadIdentities } from '@countersign/identities';

/** The folder of rules, data, schemas and the bundle. */
export const policiesFolder = new URL('../policies/', import.meta.url);
export const grantsFile = new URL('data/grants/data.json', policiesFolder);
/** Titles and descriptions of the rules that decisions name, from the METADATA of the rules. */
export const ruleListFile = new URL('rule-list.json', policiesFolder);
export const bundleFile = new URL('bundle.tar.gz', policiesFolder);

/** `policies/data/grants/data.json`, as identities.json has it: services, peers and operations in order of their names. */
export function grantsText(): string {
  return `${JSON.stringify(sorted(loadIdentities().grants()), null, 2)}\n`;
}

/** SHA-256 over name and content of each rule and data file; tests are no part of a bundle. */
export function sourcesRevision(grants: string): string {
  const rules = new URL('rules/', policiesFolder);
  const files: [string, string][] = readdirSync(rules)
    .filter((name) => name.endsWith('.rego') && !name.endsWith('_test.rego'))
    .sort()
    .map((name) => [`rules/${name}`, readFileSync(new URL(name, rules), 'utf8')]);
  files.push(['data/grants/data.json', grants]);
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
