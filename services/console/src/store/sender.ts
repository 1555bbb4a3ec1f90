/** Who sent an export, as its resource says: one process of a service. */
import type { Attributes } from '@countersign/otlp-receiver';
import { textOf } from './facts.ts';
import { TEXT } from './limits.ts';

export interface Sender {
  readonly service: string;
  readonly instanceId: string;
}

/** Undefined for a resource that names no service. Without an instance's ID there is one process of each service. */
export function senderOf(resource: Attributes): Sender | undefined {
  const service = textOf(resource, 'service.name', TEXT.name);
  if (service === undefined) return undefined;
  return { service, instanceId: textOf(resource, 'service.instance.id', TEXT.name) ?? service };
}
