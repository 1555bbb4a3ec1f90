/** What a map shows of a SPIFFE ID. */
import { TEXT } from './limits.ts';

/** Whoever calls the edge without an identity. */
export const BROWSER = 'browser';

export interface WorkloadName {
  readonly name: string;
  readonly trustDomain: string;
}

/**
 * Reads an ID that somebody sent; undefined for what is none. What it means was verified by the service that says so: here
 * it only becomes a node, so its form is all that matters.
 */
export function workloadNameOf(id: string): WorkloadName | undefined {
  if (id === BROWSER) return { name: BROWSER, trustDomain: '' };
  const parts = id.length > TEXT.id ? null : /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[a-zA-Z0-9._-]+)*)$/.exec(id);
  if (parts === null) return undefined;
  const [, trustDomain = '', path = ''] = parts;
  return { name: path.slice(path.lastIndexOf('/') + 1) || trustDomain, trustDomain };
}
