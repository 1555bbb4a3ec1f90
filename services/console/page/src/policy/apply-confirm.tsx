/** Asks before something that is allowed now is refused. */
import { Confirm, lastSegment } from '../design/index.ts';
import type { Flip } from './flips.ts';
import { Operation } from './operation-name.tsx';

export interface ApplyConfirmProps {
  readonly flips: readonly Flip[];
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
}

export function ApplyConfirm({ flips, isOpen, onClose, onConfirm }: ApplyConfirmProps) {
  return (
    <Confirm
      title="Refuse what is allowed now?"
      verb="Apply"
      danger
      isOpen={isOpen}
      onClose={onClose}
      onConfirm={onConfirm}
    >
      <p>Calls like these were made lately and would be refused from now on:</p>
      <ul className="policy-lost">
        {flips.map(({ key, self, peer, operation, count }) => (
          <li key={key}>
            {lastSegment(peer)} → {lastSegment(self)} <Operation name={operation} />{' '}
            <span className="muted">({count} lately)</span>
          </li>
        ))}
      </ul>
      <p className="muted small">“Undo” brings them back; nothing has to be restarted.</p>
    </Confirm>
  );
}
