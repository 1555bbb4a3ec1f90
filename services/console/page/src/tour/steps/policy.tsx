/** Fifth step: the decision changes with the grants, without a restart, and changes back. */
import { Undo2, UserX } from 'lucide-react';
import { useEffect } from 'react';
import { useMissing } from '../../api/session.ts';
import { Button, lastSegment, Term } from '../../design/index.ts';
import { Prose } from '../../design/prose.tsx';
import { placeOrder, useOrders } from '../../orders/orders-store.ts';
import { type Grant, readGrants, withoutGrant } from '../../policy/grants.ts';
import { apply, edit, isEdited, loadPolicy, undo, usePolicy } from '../../policy/policy-store.ts';
import { useShell } from '../../shell/shell-store.ts';
import { findOrderGrant } from '../notice.ts';
import { Said } from '../said.tsx';
import { useDone, useTour } from '../tour-store.ts';

export function PolicyStep() {
  const why = useMissing('policy');
  const revision = usePolicy((policy) => policy.base?.revision);
  const noted = useTour((tour) => tour.policy);
  useEffect(() => {
    if (why === undefined) void loadPolicy();
  }, [why]);
  useEffect(() => note(revision), [revision]);
  const changed = noted !== undefined && revision !== noted.revision;
  useDone('policy', noted?.wasChanged === true && !changed);
  return (
    <>
      <p>
        Who may do what is data that each service decides by: <Term id="grant">grants</Term>. Take the one away that an
        order needs, and the next order is refused; give it back, and it goes through. Nothing restarts.
      </p>
      <Buttons changed={changed} why={why} />
      <Outcome why={why} />
    </>
  );
}

/** The revision to come back to, and whether it was left. */
function note(revision: string | undefined): void {
  if (revision === undefined) return;
  const { policy } = useTour.getState();
  if (policy === undefined) useTour.setState({ policy: { revision, wasChanged: false } });
  else if (revision !== policy.revision) useTour.setState({ policy: { ...policy, wasChanged: true } });
}

function Buttons({ changed, why }: { readonly changed: boolean; readonly why: string | undefined }) {
  const text = usePolicy((policy) => policy.base?.text ?? '');
  const working = usePolicy((policy) => policy.working !== undefined);
  const edited = usePolicy(isEdited);
  const grant = findOrderGrant(readGrants(text) ?? []);
  if (changed) {
    return (
      <Button
        variant="primary"
        size="s"
        icon={Undo2}
        isPending={working}
        isDisabled={edited}
        onPress={() => void giveBack()}
      >
        Undo, and order again
      </Button>
    );
  }
  return (
    <Button
      variant="primary"
      size="s"
      icon={UserX}
      isPending={working}
      isDisabled={why !== undefined || edited || grant === undefined}
      onPress={() => grant && void takeAway(grant)}
    >
      {grant === undefined
        ? 'Waiting for the grants'
        : `Take ${grant.operation} from ${lastSegment(grant.peer)}, and order`}
    </Button>
  );
}

function Outcome({ why }: { readonly why: string | undefined }) {
  const outcome = useOrders((orders) => orders.outcome);
  const failed = usePolicy((policy) => policy.failed);
  const edited = usePolicy((policy) => isEdited(policy) && policy.working === undefined);
  const begun = useTour((tour) => tour.policy?.wasChanged === true);
  return (
    <Said>
      {begun &&
        outcome.state === 'refused' &&
        `The order was refused: ${outcome.problem.reason ?? outcome.problem.detail}`}
      {begun && outcome.state === 'placed' && 'The order went through again.'}
      {failed !== undefined && `${failed.title}: ${failed.problem.detail}`}
      {edited && 'You have edits in the Policy tab: apply or discard them first.'}
      {why !== undefined && <Prose>{why}</Prose>}
    </Said>
  );
}

async function takeAway(grant: Grant): Promise<void> {
  useShell.getState().openTab('policy');
  edit(withoutGrant(usePolicy.getState().draft, grant));
  if (await apply()) await orderByHttp();
}

async function giveBack(): Promise<void> {
  if (await undo()) await orderByHttp();
}

/** By HTTP, whatever the form says: it is that grant. */
function orderByHttp(): Promise<boolean> {
  return placeOrder({ ...useOrders.getState().draft, via: 'http' });
}
