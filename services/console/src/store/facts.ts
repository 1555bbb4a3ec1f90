/** Reads single facts out of attributes. A value of another type than is asked for did not come; a text is cut. */
import type { Attributes, PlainValue } from '@countersign/otlp-receiver';
import { TEXT } from './limits.ts';

export function textOf(attributes: Attributes, name: string, max: number = TEXT.sentence): string | undefined {
  return asText(attributes.get(name), max);
}

export function numberOf(attributes: Attributes, name: string): number | undefined {
  const value = attributes.get(name);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Texts of a list; of anything else none. */
export function listOf(attributes: Attributes, name: string): string[] {
  const value = attributes.get(name);
  return Array.isArray(value) ? value.flatMap((entry: PlainValue) => asText(entry, TEXT.id) ?? []).slice(0, 32) : [];
}

/** A field of an object within a value, by its path. */
export function fieldOf(value: PlainValue | undefined, ...path: readonly string[]): PlainValue | undefined {
  return path.reduce<PlainValue | undefined>(
    (node, name) => (isObject(node) && Object.hasOwn(node, name) ? node[name] : undefined),
    value,
  );
}

export function asText(value: PlainValue | undefined, max: number = TEXT.sentence): string | undefined {
  return typeof value === 'string' && value !== '' ? cut(value, max) : undefined;
}

export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}

/** Leaves out what is undefined, for optional properties. */
export function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> };
export function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function isObject(value: PlainValue | undefined): value is { readonly [name: string]: PlainValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAX_SKEW_MS = 300_000;

/** When something happened: by the sender's clock where that is near ours, otherwise now. Never in the future. */
export function timeOf(nanos: bigint, nowMs: number): number {
  const ms = Number(nanos / 1_000_000n);
  return Math.abs(nowMs - ms) > MAX_SKEW_MS ? nowMs : Math.min(ms, nowMs);
}
