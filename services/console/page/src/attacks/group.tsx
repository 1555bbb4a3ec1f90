/** Attacks of one kind: closed it says what they are and how they ended, open it has a row for each. */
import { ChevronRight, Play } from 'lucide-react';
import { Button as AriaButton, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { Button, Tag } from '../design/index.ts';
import { type AttackGroup, sayTally, type Tally, tallyOf } from './attack-list.ts';
import { AttackRow } from './attack-row.tsx';
import { runAll, setOpen, useAttacks } from './attack-store.ts';

export interface GroupProps {
  readonly group: AttackGroup;
  readonly why: string | undefined;
  /** A search opens what it finds. */
  readonly searching: boolean;
}

export function Group({ group: { id, title, what, attacks }, why, searching }: GroupProps) {
  const isOpen = useAttacks((state) => state.open.has(id)) || searching;
  const busy = useAttacks((state) => state.queue !== undefined);
  const runs = useAttacks((state) => state.runs);
  const tally = tallyOf(attacks, runs);
  const runThese = () => {
    setOpen([id], true);
    void runAll(
      title,
      attacks.map((attack) => attack.id),
    );
  };
  return (
    <Disclosure className="attack-group" isExpanded={isOpen} onExpandedChange={(open) => setOpen([id], open)}>
      <div className="attack-group-head">
        <Heading level={4}>
          <AriaButton slot="trigger" className="attack-trigger">
            <ChevronRight aria-hidden />
            {title}
          </AriaButton>
        </Heading>
        <Button
          size="s"
          icon={Play}
          aria-label={`Run all ${title}`}
          isDisabled={why !== undefined || busy}
          onPress={runThese}
        >
          Run all
        </Button>
        <p className="attack-group-what">{what}</p>
        <GroupTally tally={tally} />
      </div>
      <DisclosurePanel className="attack-panel">
        {isOpen && attacks.map((attack) => <AttackRow key={attack.id} attack={attack} why={why} />)}
      </DisclosurePanel>
    </Disclosure>
  );
}

function GroupTally({ tally }: { readonly tally: Tally }) {
  const { run, wrong, limit, failed } = tally;
  const tried = run + failed > 0;
  const tone = wrong > 0 ? 'bad' : limit + failed > 0 ? 'warn' : 'good';
  return <Tag tone={tried ? tone : 'neutral'}>{sayTally(tally)}</Tag>;
}
