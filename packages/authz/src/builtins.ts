/**
 * Built-in functions that a compiled policy calls from its host. Most of Rego's are compiled into the module; for the rest
 * it names what it needs, and a name that the evaluator does not have would fail in the middle of a decision.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { LoadedPolicy } from '@open-policy-agent/opa-wasm';

const require = createRequire(import.meta.url);
/** The evaluator's own table, which it does not export by name; the version is pinned. */
const table: unknown = require(join(dirname(require.resolve('@open-policy-agent/opa-wasm')), 'builtins/index.js'));
const provided: ReadonlySet<string> = new Set(typeof table === 'object' && table !== null ? Object.keys(table) : []);

/** Names of the built-in functions that an instance needs and its evaluator does not have, sorted. */
export function missingBuiltins(policy: LoadedPolicy): string[] {
  return neededBuiltins(policy).filter((name) => !provided.has(name));
}

/** Calls the module's `builtins()`, which gives the address of an object `{ name: id }`. */
function neededBuiltins({ wasmInstance, mem }: LoadedPolicy): string[] {
  const { builtins, opa_json_dump: dump } = wasmInstance.exports;
  if (typeof builtins !== 'function' || typeof dump !== 'function')
    throw new Error('the module must export builtins and opa_json_dump');
  const from: number = dump(builtins());
  const bytes = new Uint8Array(mem.buffer);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, bytes.indexOf(0, from)));
  const names: unknown = JSON.parse(text);
  if (typeof names !== 'object' || names === null) throw new Error('builtins() must give an object');
  return Object.keys(names).sort();
}
