/** Asks before an identity is withdrawn, and says which calls will fail. */
import { Confirm, lastSegment, Term } from '../design/index.ts';
import { useLive } from '../live/live-store.ts';
import { callsOf, type ListedWorkload } from './workload-list.ts';

export interface WithdrawProps {
  readonly workload: Pick<ListedWorkload, 'id' | 'name' | 'runs'>;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
}

export function Withdraw({ workload: { id, name, runs }, isOpen, onClose, onConfirm }: WithdrawProps) {
  return (
    <Confirm
      title={`Withdraw the identity of ${name}?`}
      verb="Withdraw"
      danger
      isOpen={isOpen}
      onClose={onClose}
      onConfirm={onConfirm}
    >
      {runs ? (
        <WhatFails id={id} name={name} />
      ) : (
        <p>{name} does not run now. When it is started, it will get no identity.</p>
      )}
      <p className="muted small">
        “Register again” gives it back; nothing has to be restarted. A stolen copy of its certificate would stay good
        until it expires: that is why they are short-lived.
      </p>
    </Confirm>
  );
}

function WhatFails({ id, name }: { readonly id: string; readonly name: string }) {
  const edges = useLive((live) => live.edges);
  const calls = callsOf(id, edges);
  return (
    <>
      <p>
        Its identity is <Term id="withdrawn" />: {name} presents its certificate no more and is not ready.
        {calls.length === 0 ? ' Every call from it and to it will fail.' : ' From then on these will fail:'}
      </p>
      {calls.length > 0 && (
        <ul className="identity-breaks">
          {calls.map(({ key, from, to }) => (
            <li key={key}>
              {lastSegment(from)} → {lastSegment(to)}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
