/**
 * A GeneralName (RFC 5280, 4.2.1.6): what a subjectAltName lists and what name constraints are made of.
 */
import { type DerElement, malformed, readIa5 } from './der.ts';

/** One name; `text` is empty for the forms that are not text. */
export interface GeneralName {
  /** The context tag of RFC 5280: 1 rfc822Name, 2 dNSName, 4 directoryName, 6 URI, 7 iPAddress ... */
  readonly form: number;
  readonly text: string;
}

/** The forms this library has to tell apart. */
export const NameForm = { email: 1, dns: 2, directory: 4, uri: 6 } as const;

const MAX_FORM = 8;
// otherName, x400Address, directoryName and ediPartyName are constructed; the others are not.
const CONSTRUCTED: ReadonlySet<number> = new Set([0, 3, 4, 5]);

/** Reads the form of a GeneralName, and its text where it has one. Throws `CERTIFICATE_MALFORMED`. */
export function readGeneralName(element: DerElement): GeneralName {
  const form = element.tag & 0x1f;
  const expected = 0x80 | (CONSTRUCTED.has(form) ? 0x20 : 0) | form;
  if (form > MAX_FORM || element.tag !== expected) throw malformed('a general name must have one of the nine tags');
  const isText = form === NameForm.email || form === NameForm.dns || form === NameForm.uri;
  return Object.freeze({ form, text: isText ? readIa5(element.content, 'general name') : '' });
}
