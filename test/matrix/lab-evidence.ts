/**
 * What decided an attempt: which layer, by which code, and in which words, from the server's own records of it.
 */
import type { LogRecord } from '@countersign/local-stack';
import { explainRefusal, type RefusalExplanation } from '@countersign/refusals';
import { type ExpectedRecord, textAt } from './outcome.ts';
import type { Verdict } from './run.ts';

/** Who answers an attempt. `nobody` refuses what is served. */
export type Layer =
  | 'TLS handshake'
  | 'HTTP parser'
  | 'gRPC'
  | 'guard'
  | 'caller chain'
  | 'policy'
  | 'PostgreSQL'
  | 'nobody'
  | 'not known';

/** What decided. */
export interface Evidence {
  readonly layer: Layer;
  /** Code of the refusal, or the policy's reason; absent where a protocol's own parser answers. */
  readonly code?: string;
  /** What the record says in sentences: it tells places with one code apart. */
  readonly words: string;
  /** From the registry of refusals. */
  readonly explanation?: RefusalExplanation;
  readonly record?: LogRecord;
}

/** What the records of an attempt say. */
export function evidenceOf(verdict: Verdict): Evidence {
  const said = verdict.found.flatMap(({ expected: { event }, record }) => {
    if (record === undefined) return [];
    const evidence = evidenceIn(event, (path) => textAt(record, path));
    return evidence === undefined ? [] : [{ ...evidence, record, words: wordsOf(record) }];
  });
  const refusing = said.find(({ layer }) => layer !== 'nobody') ?? said[0];
  if (refusing !== undefined) return refusing;
  if (verdict.problems.length === 0) return withoutRecord(verdict);
  return { layer: verdict.seen.wire === verdict.cell.way.answer ? 'nobody' : 'not known', words: '' };
}

/** Sentences of the refusing code; the rest of a record is names and numbers. */
const IN_WORDS = ['rule', 'message', 'error.message', 'expected', 'got'];

function wordsOf(record: LogRecord): string {
  return IN_WORDS.map((path) => textAt(record, path) ?? '').join('\n');
}

/** What they should have said: where to look when they do not. */
export function expectedEvidence(verdict: Verdict): Evidence {
  const said = verdict.expected.records.flatMap(({ event, fields }) => {
    const evidence = evidenceIn(event, (path) => fields[path]);
    return evidence === undefined ? [] : [{ ...evidence, words: fields['rule'] ?? '' }];
  });
  return said.find(({ layer }) => layer !== 'nobody') ?? said[0] ?? withoutRecord(verdict);
}

const ABOUT_TLS = ['early data', 'renegotiation', 'resumed session'];

/** Where a protocol's own parser answers, nothing of ours runs and nothing is written. */
function withoutRecord({ cell: { way, attack }, expected }: Verdict): Evidence {
  const words = '';
  if (expected.verdict !== 'no') return { layer: 'nobody', words };
  if (ABOUT_TLS.includes(attack)) return { layer: 'TLS handshake', words };
  return { layer: way.transport === 'grpc' ? 'gRPC' : 'HTTP parser', words };
}

type Said = Pick<Evidence, 'layer' | 'code' | 'explanation'>;
type Read = (path: string) => string | undefined;

/** Only a refused connection and a decision say why; the others say that it was served. */
function evidenceIn(event: ExpectedRecord['event'], read: Read): Said | undefined {
  if (event === 'refused') return refusedConnection(read);
  if (event === 'decision') return decided(read);
  return event === 'authenticated' ? { layer: 'nobody' } : undefined;
}

function refusedConnection(read: Read): Said {
  const code = read('code') ?? '';
  const layer = read('transport') === 'postgres' ? 'PostgreSQL' : 'TLS handshake';
  return { layer, code, explanation: explainRefusal({ stage: 'handshake', code, reason: read('rule') }) };
}

function decided(read: Read): Said {
  const failed = read('error.code');
  if (failed?.startsWith('CHAIN_'))
    return { layer: 'caller chain', code: failed, explanation: explainRefusal({ stage: 'chain', code: failed }) };
  if (failed !== undefined) {
    const stage = failed === 'PEER_NOT_VERIFIED' ? 'peer' : 'policy';
    return { layer: 'guard', code: failed, explanation: explainRefusal({ stage, code: failed }) };
  }
  const reason = read('result.reason') ?? '';
  if (read('result.allow') === 'true') return { layer: 'nobody', code: reason };
  const explanation = explainRefusal({ stage: 'policy', code: 'POLICY_DENIED', reason });
  return { layer: 'policy', code: reason, explanation };
}
