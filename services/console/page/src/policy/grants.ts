/**
 * The grants as rows that a person can switch on and off, and what a switch does to the text. The text is the one truth: rows
 * are read from it, and a switch gives a new text, written as the control writes it (JSON, indented by two).
 */

/** Of a grant: what it keeps from the caller, and on whose behalf it may be used. */
export interface GrantTerms {
  readonly [part: string]: unknown;
}

/** Who may call what: one entry of `grants[self][peer][operation]`. */
export interface Grant {
  /** SPIFFE ID of the service called. */
  readonly self: string;
  /** SPIFFE ID of the caller. */
  readonly peer: string;
  readonly operation: string;
  readonly terms: GrantTerms;
}

/** A row of the table: as the services have it, as the text has it, or both. */
export interface GrantRow extends Grant {
  readonly key: string;
  /** Whether the text has it. */
  readonly granted: boolean;
  readonly change: 'none' | 'added' | 'removed' | 'altered';
}

type Tree = Record<string, Record<string, Record<string, GrantTerms>>>;

/** Tells grants apart. No SPIFFE ID and no operation has a line break. */
export function grantKey({ self, peer, operation }: Pick<Grant, 'self' | 'peer' | 'operation'>): string {
  return [self, peer, operation].join('\n');
}

/** The grants of a text in its order, or undefined when it is no JSON or no tree of grants. */
export function readGrants(text: string): readonly Grant[] | undefined {
  const tree = readTree(text);
  if (tree === undefined) return undefined;
  return Object.entries(tree).flatMap(([self, peers]) =>
    Object.entries(peers).flatMap(([peer, operations]) =>
      Object.entries(operations).map(([operation, terms]) => ({ self, peer, operation, terms })),
    ),
  );
}

/** Rows for what the services have, what the text has, and what was taken out of it before, sorted. */
export function rowsOf(
  applied: readonly Grant[],
  drafted: readonly Grant[],
  known: readonly Grant[],
): readonly GrantRow[] {
  const before = new Map(applied.map((grant) => [grantKey(grant), grant]));
  const after = new Map(drafted.map((grant) => [grantKey(grant), grant]));
  const all = new Map([...known, ...applied, ...drafted].map((grant) => [grantKey(grant), grant]));
  return [...all]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, grant]) => ({
      ...grant,
      key,
      granted: after.has(key),
      change: changeOf(before.get(key), after.get(key)),
    }));
}

function changeOf(before: Grant | undefined, after: Grant | undefined): GrantRow['change'] {
  if (before === undefined) return after === undefined ? 'none' : 'added';
  if (after === undefined) return 'removed';
  return JSON.stringify(before.terms) === JSON.stringify(after.terms) ? 'none' : 'altered';
}

/** The text without the grant. A peer or a service that has none left is taken out, too: empty, it would say nothing. */
export function withoutGrant(text: string, { self, peer, operation }: Grant): string {
  const tree = readTree(text);
  const operations = tree?.[self]?.[peer];
  if (tree === undefined || operations === undefined) return text;
  const peers = without(tree[self] ?? {}, peer);
  const left = without(operations, operation);
  const peersLeft = isEmpty(left) ? peers : inOrder({ ...peers, [peer]: left });
  const services = without(tree, self);
  return write(isEmpty(peersLeft) ? services : inOrder({ ...services, [self]: peersLeft }));
}

/** The text with the grant, in its alphabetical place, where the control writes it. */
export function withGrant(text: string, { self, peer, operation, terms }: Grant): string {
  const tree = readTree(text);
  if (tree === undefined) return text;
  const operations = inOrder({ ...tree[self]?.[peer], [operation]: terms });
  return write(inOrder({ ...tree, [self]: inOrder({ ...tree[self], [peer]: operations }) }));
}

/** What a grant demands and keeps, in words; nothing when it is unconditional. */
export function sayTerms({ mask, origins }: GrantTerms, name: (id: string) => string): string {
  const parts: string[] = [];
  if (isRecord(origins)) parts.push(`on behalf of ${sayOrigins(origins, name)}`);
  if (Array.isArray(mask)) parts.push(`hides ${mask.join(', ')}`);
  return parts.join('; ');
}

function sayOrigins(origins: Readonly<Record<string, unknown>>, name: (id: string) => string): string {
  return Object.entries(origins)
    .map(([id, terms]) => {
      const mask = isRecord(terms) ? terms['mask'] : undefined;
      return Array.isArray(mask) ? `${name(id)} (hides ${mask.join(', ')})` : name(id);
    })
    .join(', ');
}

function readTree(text: string): Tree | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isTree(value) ? value : undefined;
}

function isTree(value: unknown): value is Tree {
  return (
    isRecord(value) && Object.values(value).every((peers) => isRecord(peers) && Object.values(peers).every(isDeep))
  );
}

function isDeep(operations: unknown): boolean {
  return isRecord(operations) && Object.values(operations).every(isRecord);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

function inOrder<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
}

const isEmpty = (record: object) => Object.keys(record).length === 0;
const write = (tree: Tree) => `${JSON.stringify(tree, null, 2)}\n`;
