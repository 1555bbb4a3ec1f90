/** The latest refusals: who refused whom, at what stage, for which reason, and what would help. */
import { ShieldCheck } from 'lucide-react';
import { memo, useMemo, useState } from 'react';
import type { Refusal } from '../../../src/wire/model.ts';
import { Button, Empty, lastSegment, Panel, Tag, Time } from '../design/index.ts';
import { Prose } from '../design/prose.tsx';
import { useHeld } from '../design/use-held.ts';
import { useLive } from '../live/index.ts';
import { group } from './group.ts';
import { useShell } from './shell-store.ts';
import './refusals.css';

const PAGE = 8;

export function Refusals() {
  const all = useLive((live) => live.refusals);
  const stale = useLive((live) => live.connection.state === 'lost');
  const [limit, setLimit] = useState(PAGE);
  const { held, waiting, holdProps } = useHeld(all, ({ seq }) => seq);
  const groups = useMemo(() => group(held), [held]);
  return (
    <Panel
      title="Refusals"
      tour="refusals"
      lead={
        waiting > 0
          ? `${waiting} more since you began to read`
          : 'Whoever was turned away, by whom, and why. The newest first.'
      }
    >
      {held.length === 0 ? (
        <Empty icon={ShieldCheck} title="Nobody was refused yet." action={<OpenAttacks />}>
          The attacks there are real ones, and each ends in this list.
        </Empty>
      ) : (
        <div {...holdProps} data-stale={stale || undefined}>
          <ul className="refusals">
            {groups.slice(0, limit).map(({ refusal, count, since }) => (
              <Item key={refusal.seq} refusal={refusal} count={count} since={since} />
            ))}
          </ul>
          {groups.length > limit && (
            <Button variant="quiet" size="s" onPress={() => setLimit(limit + 3 * PAGE)}>
              {`Show more (${groups.length - limit})`}
            </Button>
          )}
        </div>
      )}
    </Panel>
  );
}

function OpenAttacks() {
  const openTab = useShell((shell) => shell.openTab);
  return (
    <Button size="s" onPress={() => openTab('attacks')}>
      Open the attack lab
    </Button>
  );
}

interface ItemProps {
  readonly refusal: Refusal;
  readonly count: number;
  readonly since: number;
}

const Item = memo(function Item({ refusal, count, since }: ItemProps) {
  const inspect = useShell((shell) => shell.inspect);
  const { seq, at, self, peer, peerIs, stage, code, expected, got, remedy } = refusal;
  return (
    <li className="refusal">
      <div className="refusal-head">
        <div className="refusal-what">
          <Time at={at} />
          <span className="refusal-who">
            <b>{lastSegment(self)}</b> refused <b>{peer ? lastSegment(peer) : 'a caller without a name'}</b>
            {peerIs === 'claimed' && <span className="muted"> (as it called itself)</span>}
          </span>
          <Tag tone="bad">{stageWords.get(stage) ?? stage}</Tag>
          <code className="refusal-code">{code}</code>
          {count > 1 && (
            <span className="muted">
              {count} times since <Time at={since} />
            </span>
          )}
        </div>
        <Button
          variant="quiet"
          size="s"
          aria-label={`Inspect the refusal of ${peer ? lastSegment(peer) : 'a caller'} by ${lastSegment(self)}`}
          onPress={() => inspect({ kind: 'refusal', seq })}
        >
          Inspect
        </Button>
      </div>
      <dl className="refusal-facts">
        {expected !== undefined && <Line name="expected" value={expected} />}
        {got !== undefined && <Line name="got" value={got} />}
        {remedy !== undefined && <Line name="remedy" value={remedy} />}
      </dl>
    </li>
  );
});

function Line({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div className={`refusal-${name}`}>
      <dt>{name}</dt>
      <dd>
        <Prose>{value}</Prose>
      </dd>
    </div>
  );
}

/** Where in the order of one request it was, in words. */
const stageWords: ReadonlyMap<string, string> = new Map([
  ['handshake', 'in the handshake'],
  ['peer', 'who called'],
  ['chain', 'caller chain'],
  ['policy', 'by the policy'],
  ['handler', 'in the handler'],
  ['edge', 'at the edge'],
]);
