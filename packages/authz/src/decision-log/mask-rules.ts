/**
 * Masks of the decision log, as OPA's `system.log.mask` has them: which values of input and result are taken away
 * (`remove`) or overwritten (`upsert`) before an event goes anywhere. Rules are checked when the process starts, because a
 * mask with a wrong path would let through what it was written to hide.
 */
import { quote } from '@countersign/spiffe-tls';

/** One mask. */
export interface MaskRule {
  readonly op: 'remove' | 'upsert';
  /** As it was given; what an event's `erased` and `masked` name. */
  readonly path: string;
  readonly part: 'input' | 'result';
  /** The path's names below the part, decoded. None: the whole part. */
  readonly names: readonly string[];
  /** JSON of the value that `upsert` writes. */
  readonly valueJson?: string;
}

/** Both parts of an event after masking. */
export interface Masked {
  readonly input: unknown;
  readonly result: unknown;
  /** Paths of the `remove` masks that found something. */
  readonly erased: readonly string[];
  /** Paths of the `upsert` masks that were written. */
  readonly masked: readonly string[];
}

/** Masks that a process may have: beyond that it is a mistake, and each costs every decision. */
const MAX_RULES = 256;

/**
 * Reads masks: each a path, which removes, or `{ op: 'remove' | 'upsert', path, value }`. A path begins with `/input` or
 * `/result` and is a JSON pointer (RFC 6901): `~1` is a slash in a name, `~0` a tilde. OPA does not decode these two.
 * @throws {TypeError} with the rule that is broken, for the first mask that can't be used
 * @example parseMaskRules(['/input/resource/id', { op: 'upsert', path: '/input/peer/spiffe_id', value: '[masked]' }])
 */
export function parseMaskRules(value: unknown): readonly MaskRule[] {
  if (!Array.isArray(value)) throw wrong('must be a list', value);
  if (value.length > MAX_RULES) throw new TypeError(`decision log masks: at most ${MAX_RULES}, got ${value.length}`);
  return value.map((entry: unknown) => (typeof entry === 'string' ? ruleOf('remove', entry) : parseObject(entry)));
}

/** Applies masks in their order to copies of the parts. A path that is not there changes nothing, as in OPA. */
export function applyMasks(
  rules: readonly MaskRule[],
  { input, result }: { readonly input?: unknown; readonly result?: unknown },
): Masked {
  if (rules.length === 0) return { input, result, erased: [], masked: [] };
  const parts = new Map([
    ['input', copyOf(input)],
    ['result', copyOf(result)],
  ]);
  const done = rules.filter((rule) => applyRule(rule, parts));
  const pathsOf = (op: MaskRule['op']) => done.filter((rule) => rule.op === op).map(({ path }) => path);
  return {
    input: parts.get('input'),
    result: parts.get('result'),
    erased: pathsOf('remove'),
    masked: pathsOf('upsert'),
  };
}

/** What JSON will show of it: a `toJSON` must not bring back what a mask took away. */
function copyOf(value: unknown): unknown {
  const json: unknown = JSON.stringify(value);
  return typeof json === 'string' ? JSON.parse(json) : undefined;
}

function parseObject(entry: unknown): MaskRule {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw wrong('each is a path or an object', entry);
  const { op, path, value, ...others }: Record<string, unknown> = { ...entry };
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw wrong('know op, path and value alone', unknown);
  if (op !== 'remove' && op !== 'upsert') throw wrong('op must be remove or upsert', op);
  if (typeof path !== 'string') throw wrong('path must be text', path);
  if (op === 'remove' && value !== undefined) throw wrong('remove takes no value', path);
  return ruleOf(op, path, value);
}

function ruleOf(op: MaskRule['op'], path: string, value?: unknown): MaskRule {
  const [root, part, ...names] = path.split('/');
  if (root !== '' || (part !== 'input' && part !== 'result'))
    throw wrong('path must begin with /input or /result', path);
  if (names.includes('')) throw wrong('path must have no empty name', path);
  if (names.some((name) => /~(?![01])/.test(name))) throw wrong('path: after ~ comes 0 or 1', path);
  const decoded = names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (op === 'remove') return { op, path, part, names: decoded };
  const valueJson: unknown = JSON.stringify(value);
  if (typeof valueJson !== 'string') throw wrong('upsert needs a value', path);
  return { op, path, part, names: decoded, valueJson };
}

function wrong(rule: string, value: unknown): TypeError {
  const json: unknown = typeof value === 'string' ? value : JSON.stringify(value);
  return new TypeError(`decision log masks: ${rule}, got ${quote(String(json))}`);
}

/** Whether it changed anything. */
function applyRule(rule: MaskRule, parts: Map<string, unknown>): boolean {
  const node = parts.get(rule.part);
  // OPA masks what is there: a part that the event does not have gets none.
  if (node === undefined || node === null) return false;
  const last = rule.names.at(-1);
  if (last === undefined) {
    parts.set(rule.part, rule.op === 'remove' ? undefined : upsertedOf(rule));
    return true;
  }
  const above = rule.names.slice(0, -1);
  return rule.op === 'remove' ? remove(walk(node, above), last) : upsert(node, above, rule);
}

function remove(parent: unknown, name: string): boolean {
  if (Array.isArray(parent)) {
    const index = indexIn(parent, name);
    return index !== undefined && parent.splice(index, 1).length === 1;
  }
  if (!isObject(parent) || !Object.hasOwn(parent, name)) return false;
  return Reflect.deleteProperty(parent, name);
}

function upsert(part: object, above: readonly string[], rule: MaskRule): boolean {
  if (Array.isArray(part)) return false;
  const parent = above.reduce<unknown>((node, name) => {
    if (isObject(node) && !Object.hasOwn(node, name)) define(node, name, {});
    return childOf(node, name);
  }, part);
  const last = rule.names.at(-1) ?? '';
  if (Array.isArray(parent)) {
    const index = indexIn(parent, last);
    if (index !== undefined) parent[index] = upsertedOf(rule);
    return index !== undefined;
  }
  if (!isObject(parent)) return false;
  define(parent, last, upsertedOf(rule));
  return true;
}

function walk(node: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>(childOf, node);
}

function childOf(node: unknown, name: string): unknown {
  if (Array.isArray(node)) return node[indexIn(node, name) ?? -1];
  return isObject(node) ? Object.getOwnPropertyDescriptor(node, name)?.value : undefined;
}

/** The index as Go's `Atoi` reads it, because OPA does. */
function indexIn(list: readonly unknown[], name: string): number | undefined {
  const index = /^[+-]?\d+$/.test(name) ? Number(name) : -1;
  return index >= 0 && index < list.length ? index : undefined;
}

/** Own property under any name: assigning to `__proto__` would change the object's prototype instead. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A new one each time: a later mask may change it. */
function upsertedOf(rule: MaskRule): unknown {
  return JSON.parse(rule.valueJson ?? 'null');
}
