/** Above the attacks: search, transport, run all, and how far it is. */
import { ChevronsDownUp, ChevronsUpDown, CircleStop, Search as SearchIcon, Swords } from 'lucide-react';
import { Input, Label, SearchField } from 'react-aria-components';
import { Choice } from '../design/choice.tsx';
import { Button } from '../design/index.ts';
import { type AttackGroup, sayTally, tallyOf } from './attack-list.ts';
import { runAll, searchFor, setOpen, stopAttacks, useAttacks } from './attack-store.ts';

const TRANSPORTS = [
  { id: 'all', text: 'All' },
  { id: 'https', text: 'HTTPS' },
  { id: 'grpc', text: 'gRPC' },
  { id: 'postgres', text: 'PostgreSQL' },
] as const;

export interface ToolsProps {
  /** What the search leaves. */
  readonly groups: readonly AttackGroup[];
  readonly why: string | undefined;
}

export function Tools({ groups, why }: ToolsProps) {
  const { words, transport } = useAttacks((state) => state.search);
  return (
    <div className="attack-tools">
      <SearchField className="field attack-search" value={words} onChange={(value) => searchFor({ words: value })}>
        <Label className="field-label">Search</Label>
        <SearchIcon aria-hidden />
        <Input className="field-input" placeholder="expired, POST /orders, chain …" />
      </SearchField>
      <Choice
        label="Transport"
        options={TRANSPORTS}
        value={transport}
        onChange={(value) => searchFor({ transport: value })}
      />
      <RunAll groups={groups} why={why} />
    </div>
  );
}

function RunAll({ groups, why }: ToolsProps) {
  const queue = useAttacks((state) => state.queue);
  const runs = useAttacks((state) => state.runs);
  const open = useAttacks((state) => state.open);
  const attacks = groups.flatMap((group) => group.attacks);
  const ids = groups.map(({ id }) => id);
  const allOpen = ids.every((id) => open.has(id));
  return (
    <div className="attack-run-all">
      {queue === undefined ? (
        <Button
          variant="primary"
          icon={Swords}
          isDisabled={why !== undefined || attacks.length === 0}
          onPress={() =>
            void runAll(
              'All',
              attacks.map(({ id }) => id),
            )
          }
        >
          Run all
        </Button>
      ) : (
        <Button icon={CircleStop} isDisabled={queue.stopping} onPress={stopAttacks}>
          {queue.stopping ? 'Stopping' : 'Stop'}
        </Button>
      )}
      <Button
        variant="quiet"
        icon={allOpen ? ChevronsDownUp : ChevronsUpDown}
        onPress={() => setOpen(ids, !allOpen)}
        isDisabled={ids.length === 0}
      >
        {allOpen ? 'Close all' : 'Open all'}
      </Button>
      {queue !== undefined && (
        <div className="attack-progress">
          <progress max={queue.total} value={queue.finished} aria-label={`${queue.title}: attacks that were run`} />
          <span className="small">
            {queue.finished} of {queue.total}
          </span>
        </div>
      )}
      {/* Said when it is over: while it runs it would be read out with each attack. */}
      <p className="attack-tally small" role="status">
        {queue === undefined && sayTally(tallyOf(attacks, runs))}
      </p>
    </div>
  );
}
