/** One grant: who, what, on which terms, and the switch. */
import { Switch } from 'react-aria-components';
import { lastSegment, Tag, type Tone } from '../design/index.ts';
import { type GrantRow, sayTerms, withGrant, withoutGrant } from './grants.ts';
import { Operation } from './operation-name.tsx';
import { edit, usePolicy } from './policy-store.ts';

const CHANGES: Readonly<Record<Exclude<GrantRow['change'], 'none'>, readonly [Tone, string]>> = {
  added: ['accent', 'new'],
  removed: ['warn', 'to be removed'],
  altered: ['accent', 'altered'],
};

export interface GrantSwitchProps {
  readonly row: GrantRow;
  /** The first of its caller's: the others need not repeat the name for the eye. */
  readonly first: boolean;
}

export function GrantSwitch({ row, first }: GrantSwitchProps) {
  const { self, peer, operation, terms, granted, change } = row;
  const flip = (on: boolean) => {
    const { draft } = usePolicy.getState();
    edit(on ? withGrant(draft, row) : withoutGrant(draft, row));
  };
  const said = sayTerms(terms, lastSegment);
  const [tone, word] = change === 'none' ? [undefined, undefined] : CHANGES[change];
  return (
    <tr data-first={first || undefined}>
      <td title={peer}>{first ? lastSegment(peer) : <span className="visually-hidden">{lastSegment(peer)}</span>}</td>
      <th scope="row" data-off={!granted || undefined}>
        <Operation name={operation} />
        {said !== '' && <span className="policy-terms">{said}</span>}
        {tone !== undefined && <Tag tone={tone}>{word}</Tag>}
      </th>
      <td data-align="end">
        <Switch
          className="policy-switch"
          aria-label={`${lastSegment(peer)} may use ${operation} of ${lastSegment(self)}`}
          isSelected={granted}
          onChange={flip}
        >
          <span className="policy-switch-track" />
        </Switch>
      </td>
    </tr>
  );
}
