/**
 * Name constraints (RFC 5280, 4.2.1.10): a CA may sign only for some hosts. URI and DNS names are compared; a constraint on any
 * other form refuses every certificate below that has a name of that form, as the RFC asks of those who don't implement it.
 */
import { type DerReader, DerTag, malformed, readDer } from './der.ts';
import { quote, SpiffeTlsError } from './errors.ts';
import { type GeneralName, NameForm, readGeneralName } from './general-name.ts';

/** The permitted and excluded subtrees of one CA certificate. */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** The most comparisons of a name with a subtree that one CA may ask for with one certificate: more would take seconds. */
const MAX_COMPARISONS = 250_000;

/** Reads the extension's value. */
export function parseNameConstraints(bytes: Uint8Array): NameConstraints {
  const reader = readDer(bytes, DerTag.sequence, 'nameConstraints');
  if (reader.done) throw malformed('nameConstraints must not be empty');
  const permitted = reader.nextTag === 0xa0 ? readSubtrees(reader.enter(0xa0, 'permittedSubtrees')) : [];
  const excluded = reader.nextTag === 0xa1 ? readSubtrees(reader.enter(0xa1, 'excludedSubtrees')) : [];
  reader.end('nameConstraints');
  return Object.freeze({ permitted, excluded });
}

function readSubtrees(reader: DerReader): readonly GeneralName[] {
  const names: GeneralName[] = [];
  while (!reader.done) {
    const subtree = reader.enter(DerTag.sequence, 'subtree');
    names.push(readGeneralName(subtree.read('subtree base')));
    // minimum is 0, which DER leaves out, and maximum must be absent: a subtree is nothing but its base.
    subtree.end('subtree');
  }
  if (names.length === 0) throw malformed('a list of subtrees must not be empty');
  return Object.freeze(names);
}

/** The names of a certificate that constraints above it apply to. */
export interface ConstrainedNames {
  readonly subjectAltNames: readonly GeneralName[];
  /** Whether the subject's name is empty: if not, constraints on directory and email names touch it. */
  readonly subjectEmpty: boolean;
}

/**
 * Checks one certificate's names against the constraints of one CA above it.
 * @throws {SpiffeTlsError} `NAME_CONSTRAINT`
 */
export function checkNameConstraints(constraints: NameConstraints, names: ConstrainedNames): void {
  const constrained = namesOf(names);
  const comparisons = constrained.length * (constraints.permitted.length + constraints.excluded.length);
  if (comparisons > MAX_COMPARISONS) throw violation(`at most ${MAX_COMPARISONS} comparisons`, `${comparisons}`);
  for (const name of constrained) {
    const permitted = constraints.permitted.filter((base) => base.form === name.form);
    const excluded = constraints.excluded.filter((base) => base.form === name.form);
    if (permitted.length === 0 && excluded.length === 0) continue;
    if (name.form !== NameForm.uri && name.form !== NameForm.dns) {
      throw violation('no constraint on a form of name that is not implemented', `form ${name.form}`);
    }
    checkName(name, permitted, excluded);
  }
}

function namesOf({ subjectAltNames, subjectEmpty }: ConstrainedNames): readonly GeneralName[] {
  if (subjectEmpty) return subjectAltNames;
  // A subject may hold an emailAddress attribute, which constraints on email names reach too.
  return [{ form: NameForm.directory, text: '' }, { form: NameForm.email, text: '' }, ...subjectAltNames];
}

function checkName(name: GeneralName, permitted: readonly GeneralName[], excluded: readonly GeneralName[]): void {
  const isUri = name.form === NameForm.uri;
  const host = isUri ? hostOfUri(name.text) : name.text.toLowerCase();
  if (host === undefined) throw violation('a URI with a host, because a CA above constrains it', quote(name.text));
  const within = isUri ? uriHostWithin : dnsNameWithin;
  const bad = excluded.find(
    (base) => within(host, base.text.toLowerCase()) || (!isUri && wildcardMeets(host, base.text)),
  );
  if (bad !== undefined) throw violation(`a name outside the excluded ${quote(bad.text)}`, quote(name.text));
  if (permitted.length === 0 || permitted.some((base) => within(host, base.text.toLowerCase()))) return;
  const allowed = permitted.map((base) => quote(base.text)).join(', ');
  throw violation(`a name within the permitted ${allowed.slice(0, 300)}`, quote(name.text));
}

const URI_HOST = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([A-Za-z0-9._-]+)(?:[/?#]|$)/;

/** The host of a URI that has a plain one. Userinfo, ports and IP literals are not guessed at: the name is then refused. */
function hostOfUri(uri: string): string | undefined {
  return URI_HOST.exec(uri)?.[1]?.toLowerCase();
}

/** A URI constraint names one host, or with a leading dot any host below; empty means every host. */
function uriHostWithin(host: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? host.endsWith(base) && host.length > base.length : host === base;
}

/** A DNS constraint names a host and all below it. */
function dnsNameWithin(name: string, base: string): boolean {
  if (base === '') return true;
  if (base.startsWith('.')) return name.endsWith(base) && name.length > base.length;
  return name === base || name.endsWith(`.${base}`);
}

/** Whether a wildcard could stand for an excluded name: `*.example.org` meets `a.example.org`. */
function wildcardMeets(name: string, base: string): boolean {
  if (!name.startsWith('*.')) return false;
  const excluded = base.toLowerCase().replace(/^\./, '');
  return dnsNameWithin(excluded, name.slice(2));
}

function violation(expected: string, got: string): SpiffeTlsError {
  const message = `name constraints: expected ${expected}, got ${got}`;
  return new SpiffeTlsError('NAME_CONSTRAINT', message, { expected, got });
}
