/** What an `identity` record says: the process has another SVID, other bundles, or no identity any more. */
import type { LogRecord } from '@countersign/otlp-receiver';
import { listOf, numberOf, textOf, timeOf } from './facts.ts';
import { TEXT } from './limits.ts';

export type IdentityFacts =
  | {
      readonly type: 'update';
      readonly at: number;
      readonly spiffeId: string;
      /** Upper-case hexadecimal. */
      readonly serial: string;
      readonly notBefore: number;
      readonly notAfter: number;
      readonly trustDomains: readonly string[];
    }
  | { readonly type: 'withdrawn'; readonly at: number };

/** Undefined for what changes nothing: an error of the source leaves the identity in use. */
export function readIdentity({ attributes, timeNanos }: LogRecord, nowMs: number): IdentityFacts | undefined {
  const at = timeOf(timeNanos, nowMs);
  const type = textOf(attributes, 'type');
  if (type === 'withdrawn') return { type, at };
  const [spiffeId, serial] = [textOf(attributes, 'spiffeId', TEXT.id), textOf(attributes, 'serialNumber', TEXT.name)];
  const [notBefore, notAfter] = [numberOf(attributes, 'notBeforeMs'), numberOf(attributes, 'notAfterMs')];
  if (type !== 'update' || spiffeId === undefined || serial === undefined) return undefined;
  if (notBefore === undefined || notAfter === undefined) return undefined;
  const trustDomains = listOf(attributes, 'trustDomains');
  return { type, at, spiffeId, serial: serial.toUpperCase(), notBefore, notAfter, trustDomains };
}
