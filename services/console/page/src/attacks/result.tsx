/** What came of one attack: the verdict, which check refused, what either side saw, and where that check stands in the code. */
import { CircleCheck, CircleSlash, type LucideIcon, OctagonX, Scale, TriangleAlert, Waypoints } from 'lucide-react';
import type { AttackDescription, AttackResult } from '../../../src/wire/actions.ts';
import { Button, CopyButton, type Fact, Facts, milliseconds, Tag, type Tone } from '../design/index.ts';
import { Prose } from '../design/prose.tsx';
import { useShell } from '../shell/shell-store.ts';
import { ladderOf } from './ladder.ts';
import { LadderView } from './ladder-view.tsx';
import { ServerRecord } from './server-record.tsx';

interface Look {
  readonly tone: Tone;
  readonly icon: LucideIcon;
  readonly text: string;
}

const LOOKS: Readonly<Record<AttackResult['verdict'], Look>> = {
  refused: { tone: 'good', icon: CircleSlash, text: 'refused, as it must be' },
  served: { tone: 'good', icon: CircleCheck, text: 'served, as it must be' },
  limit: { tone: 'warn', icon: TriangleAlert, text: 'served: a known limit' },
  wrong: { tone: 'bad', icon: OctagonX, text: 'WRONG' },
};

/** The verdict in one sentence. */
export function sayVerdict({ verdict, layer, reason }: AttackResult): string {
  return [LOOKS[verdict].text, verdict === 'refused' ? `by ${layer}` : '', reason].filter(Boolean).join(', ');
}

export interface ResultProps {
  readonly attack: AttackDescription;
  readonly result: AttackResult;
}

export function Result({ attack, result }: ResultProps) {
  const { tone, icon, text } = LOOKS[result.verdict];
  return (
    <div className={`attack-result attack-result-${result.verdict}`}>
      <div className="row">
        <Tag tone={tone} icon={icon}>
          {text}
        </Tag>
        <span className="muted small">{milliseconds(result.tookMs)}</span>
      </div>
      <LadderView rungs={ladderOf(result, attack)} />
      {result.problems.length > 0 && (
        <ul className="attack-problems">
          {result.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      <Facts facts={factsOf(result)} />
      {result.record !== undefined && <ServerRecord record={result.record} />}
      <Further record={result.record} />
    </div>
  );
}

function factsOf({ wire, expectedWire, reason, remedy, source }: AttackResult): readonly Fact[] {
  const place = `${source.file}:${source.line}`;
  return [
    { id: 'wire', name: 'The attacker saw', value: <code>{wire}</code> },
    {
      id: 'expected',
      name: 'Expected',
      value: wire === expectedWire ? undefined : <code>{expectedWire}</code>,
    },
    { id: 'reason', name: 'Because', value: reason === '' ? undefined : reason },
    { id: 'remedy', name: 'If it was no attack', value: remedy === undefined ? undefined : <Prose>{remedy}</Prose> },
    {
      id: 'source',
      name: 'In the code',
      value: (
        <span className="attack-source">
          <code>{place}</code>
          <CopyButton text={place} what="the place in the code" />
        </span>
      ),
    },
  ];
}

/** Ways on to what the services reported of it. */
function Further({ record = {} }: { readonly record: AttackResult['record'] }) {
  const inspect = useShell((shell) => shell.inspect);
  const { trace_id: traceId, decision_id: id } = record;
  if (typeof traceId !== 'string' && typeof id !== 'string') return null;
  return (
    <div className="row">
      {typeof traceId === 'string' && (
        <Button size="s" icon={Waypoints} onPress={() => inspect({ kind: 'trace', traceId })}>
          See trace
        </Button>
      )}
      {typeof id === 'string' && (
        <Button size="s" icon={Scale} onPress={() => inspect({ kind: 'decision', id })}>
          See decision
        </Button>
      )}
    </div>
  );
}
