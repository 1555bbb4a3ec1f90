/** The policy bundle of the checkout, and one that grants less, by the system's own `tar`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Identities } from '@countersign/identities';
import { at, isObject, type JsonObject, parseObject, textAt } from './json.ts';

const committed = new URL('../../../../policies/bundle.tar.gz', import.meta.url);

/** The bundle of the checkout. */
export function committedBundle(): Buffer {
  return readFileSync(committed);
}

/** The committed rules with less data: customer may list orders, and no longer place any. Its revision says so. */
export function bundleWithoutOrders(identities: Identities): Buffer {
  const [backend, customer] = [identities.workload('backend').spiffeId, identities.workload('customer').spiffeId];
  return inFilesOf(committedBundle(), (folder) => {
    change(join(folder, 'data.json'), (data) => withoutCreation(data, backend, customer));
    change(join(folder, '.manifest'), (manifest) => ({
      ...manifest,
      revision: `${textAt(manifest, 'revision')}+without-orders`,
    }));
    return pack(folder);
  });
}

/** The name of a bundle's rules and data. */
export function revisionOf(bundle: Buffer): string {
  return inFilesOf(bundle, (folder) => textAt(read(join(folder, '.manifest')), 'revision'));
}

function withoutCreation(data: JsonObject, called: string, caller: string): JsonObject {
  const granted = at(data, 'grants', called, caller);
  const kept = Object.entries(isObject(granted) ? granted : {}).filter(([operation]) => !isCreation(operation));
  return replace(data, ['grants', called, caller], Object.fromEntries(kept));
}

function isCreation(operation: string): boolean {
  return operation === 'POST /orders' || operation.endsWith('/CreateOrder');
}

function replace(document: JsonObject, [name = '', ...rest]: readonly string[], value: unknown): JsonObject {
  const inner = document[name];
  return { ...document, [name]: rest.length === 0 ? value : replace(isObject(inner) ? inner : {}, rest, value) };
}

function inFilesOf<T>(bundle: Buffer, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-policy-'));
  try {
    tar(['-xzf', '-', '-C', folder], bundle);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function pack(folder: string): Buffer {
  return tar(['-czf', '-', '-C', folder, ...readdirSync(folder)]);
}

function tar(args: readonly string[], input?: Buffer): Buffer {
  // macOS would add files of its own, and a bundle with files that nobody asked for is none.
  const command = ['COPYFILE_DISABLE=1', 'tar', ...args];
  return execFileSync('env', command, { input, stdio: ['pipe', 'pipe', 'ignore'], maxBuffer: 16 * 1024 * 1024 });
}

function change(path: string, edit: (document: JsonObject) => JsonObject): void {
  writeFileSync(path, JSON.stringify(edit(read(path))));
}

function read(path: string): JsonObject {
  return parseObject(readFileSync(path, 'utf8'), path);
}
