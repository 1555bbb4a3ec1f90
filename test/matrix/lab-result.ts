/**
 * What a page is told of an attempt: the matrix's own judgement, and of the server's record what is fit to be shown.
 */
import type { LogRecord } from '@countersign/local-stack';
import type { AttackResult } from '@countersign/local-stack/control';
import { evidenceOf, expectedEvidence } from './lab-evidence.ts';
import { placeOf } from './lab-places.ts';
import type { Expected } from './outcome.ts';
import type { Sources } from './places.ts';
import type { Verdict } from './run.ts';

/** Tells it. */
export function resultOf(id: string, verdict: Verdict, sources: Sources): AttackResult {
  const { expected, seen, problems, durationMs } = verdict;
  const evidence = evidenceOf(verdict);
  const { layer, code, explanation, record } = evidence;
  const isWrong = problems.length > 0;
  return {
    id,
    verdict: isWrong ? 'wrong' : VERDICTS[expected.verdict],
    wire: cut(seen.wire),
    expectedWire: expected.wire,
    layer,
    reason: explanation === undefined ? (code ?? reasonOf(verdict)) : `${code}: ${explanation.rule}`,
    ...(record === undefined ? {} : { record: shown(record) }),
    // Of what is not as it must be: where the check stands that should have answered.
    source: placeOf(isWrong ? expectedEvidence(verdict) : evidence, sources),
    ...(explanation === undefined ? {} : { remedy: explanation.remedy }),
    problems: problems.map(cut),
    tookMs: Math.round(durationMs),
  };
}

const VERDICTS = { in: 'served', no: 'refused', limit: 'limit' } as const satisfies Record<Expected['verdict'], string>;

function reasonOf({ expected, problems }: Verdict): string {
  return problems.length > 0 ? 'no record says' : expected.reason;
}

/** Fields of records that name no secret and no content of an order. */
const SHOWN = [
  'time',
  'service',
  'event',
  'level',
  'stage',
  'code',
  'rule',
  'expected',
  'got',
  'message',
  'role',
  'transport',
  'self',
  'peer',
  'peerId',
  'remote',
  'user',
  'database',
  'decision_id',
  'trace_id',
  'result',
  'error',
];
/** The same of what a policy was asked. */
const SHOWN_INPUT = ['self', 'peer', 'operation', 'transport'];

function shown(record: LogRecord): Record<string, unknown> {
  const input = record['input'];
  const asked = typeof input === 'object' && input !== null ? { input: pick({ ...input }, SHOWN_INPUT) } : {};
  return { ...pick(record, SHOWN), ...asked };
}

function pick(record: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => (record[name] === undefined ? [] : [[name, cutBelow(record[name])]])),
  );
}

const MAX_TEXT = 500;

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}

function cutBelow(value: unknown): unknown {
  if (typeof value === 'string') return cut(value);
  if (Array.isArray(value)) return value.slice(0, 10).map(cutBelow);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cutBelow(each)]));
}
