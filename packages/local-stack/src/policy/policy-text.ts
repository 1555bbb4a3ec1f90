/**
 * What `npm run policy` prints for people.
 */
import type { DataOperation } from '@countersign/authz';
import type { GrantDocument, Identities } from '@countersign/identities';
import type { ExplainDocument } from './policy.ts';

type Names = ReadonlyMap<string, string>;

/** One decision, from what was decided to what would have to change. */
export function explanationText(document: ExplainDocument, names: Names): string {
  const { input, result, rule, matched } = document;
  const lines = [
    `${result.allow ? 'ALLOWED' : 'REFUSED'}: ${named(input.peer.spiffe_id, names)} calls ${input.operation} of ${named(input.self.spiffe_id, names)}`,
    ...row('because', result.reason),
    ...row('rule', `${result.rule}: ${rule.title}`),
    ...row('', rule.description ?? ''),
    ...row('chain', input.chain.map(({ spiffe_id: id }) => named(id, names)).join(' -> ') || 'none'),
    ...row('owed', result.obligations.map(({ kind, fields }) => `${kind} ${fields.join(', ')}`).join('; ')),
    ...matched.flatMap(({ path, value }) => row('data', `${path} ${shown(value)}`)),
    ...changeLines(document, names),
    ...row('revision', document.revision),
    ...recordedLines(document),
  ];
  return lines.join('\n');
}

function changeLines({ change, input }: ExplainDocument, names: Names): string[] {
  if (change === undefined) return [];
  if (!change.possible) return row('to allow', `no change of data can: ${change.why}`);
  const [caller, called] = [names.get(input.peer.spiffe_id), names.get(input.self.spiffe_id)];
  const place =
    caller === undefined || called === undefined
      ? `name ${caller === undefined ? input.peer.spiffe_id : input.self.spiffe_id} in identities.json first: no workload there has this ID`
      : `in identities.json: workloads.${caller}.calls.${called}, ${JSON.stringify(input.operation)}; then npm run generate`;
  return [
    ...change.operations.flatMap((operation) => row('to allow', operationText(operation))),
    ...row('', place),
    ...change.cautions.flatMap((caution) => row('caution', caution)),
    ...row('tried', 'with this change the same bundle allows the call'),
  ];
}

function operationText({ op, path, value }: DataOperation): string {
  return `${op} ${path}${value === undefined ? '' : ` ${shown(value)}`}`;
}

function recordedLines({ recorded, revision }: ExplainDocument): string[] {
  if (recorded === undefined) return [];
  const other =
    recorded.revision === revision
      ? []
      : row(
          'ANOTHER POLICY',
          `decided by revision ${recorded.revision ?? 'unknown'}; give that bundle with --bundle FILE`,
        );
  const differs = recorded.same ? [] : row('DIFFERS', `the record says ${shown(recorded.result)}`);
  return [...row('recorded', `${recorded.decision_id} in ${recorded.file}`), ...other, ...differs];
}

/** Who may call what of a service. */
export function listText(identities: Identities, service: string): string {
  const grants = identities.grants()[identities.workload(service).spiffeId] ?? {};
  const names = new Map(identities.names().map((name) => [identities.workload(name).spiffeId, name]));
  const rows = Object.entries(grants).flatMap(([peer, operations]) =>
    Object.entries(operations).map(
      ([operation, grant]) => `${named(peer, names)}  ${operation}${limits(grant, names)}`,
    ),
  );
  return rows.length === 0 ? `nobody may call ${service}` : rows.join('\n');
}

function limits({ mask, origins }: GrantDocument, names: Names): string {
  const from = Object.entries(origins ?? {}).map(([id, terms]) => `${named(id, names)}${masked(terms.mask)}`);
  return `${masked(mask)}${from.length === 0 ? '' : `  for ${from.join(', ')}`}`;
}

function masked(mask: readonly string[] | undefined): string {
  return mask === undefined ? '' : `  without ${mask.join(', ')}`;
}

function named(id: string, names: Names): string {
  return names.get(id) ?? id;
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}

function row(name: string, text: string): string[] {
  return text === '' ? [] : [`${name.padEnd(14)}  ${text}`];
}
