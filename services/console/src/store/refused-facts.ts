/** What a `refused` record says: one side of a connection did not accept the other, before a byte of a call was read. */
import type { LogRecord } from '@countersign/otlp-receiver';
import type { Refusal, Transport } from '../wire/model.ts';
import { type RefusalFacts, readRefusal, transportOf } from './call-facts.ts';
import { defined, textOf, timeOf } from './facts.ts';
import { TEXT } from './limits.ts';

export interface RefusedFacts extends RefusalFacts {
  readonly at: number;
  /** Which side refused. */
  readonly role: 'server' | 'client';
  readonly transport: Transport;
  /** SPIFFE ID of who refused; absent while it had no identity. */
  readonly self?: string;
  /** SPIFFE ID in the certificate of who was refused. */
  readonly peer?: string;
  readonly peerIs: Refusal['peerIs'];
}

/** Refused for who it is, so its certificate was good; for every other code it is only what the certificate claims. */
const VERIFIED_CODE = 'PEER_NOT_AUTHORIZED';

export function readRefused({ attributes, timeNanos }: LogRecord, nowMs: number): RefusedFacts | undefined {
  const refusal = readRefusal(attributes);
  if (refusal === undefined) return undefined;
  const peer = textOf(attributes, 'peerId', TEXT.id);
  const known = refusal.code === VERIFIED_CODE ? 'verified' : 'claimed';
  return {
    ...refusal,
    at: timeOf(timeNanos, nowMs),
    role: textOf(attributes, 'role') === 'client' ? 'client' : 'server',
    transport: transportOf(textOf(attributes, 'transport')),
    peerIs: peer === undefined ? 'unknown' : known,
    ...defined({ self: textOf(attributes, 'self', TEXT.id), peer }),
  };
}
