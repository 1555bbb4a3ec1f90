/** Second step: an order goes all the way. */
import { Send } from 'lucide-react';
import { Button, lastSegment, Term } from '../../design/index.ts';
import { chainOf } from '../../orders/hop-chain.ts';
import { placeOrder, useOrders } from '../../orders/orders-store.ts';
import { useShell } from '../../shell/shell-store.ts';
import { Said } from '../said.tsx';
import { useDone, useFresh } from '../tour-store.ts';

export function Order() {
  const outcome = useOrders((orders) => orders.outcome);
  const openTab = useShell((shell) => shell.openTab);
  const fresh = useFresh(outcome);
  useDone('order', fresh?.state === 'placed');
  const order = () => {
    openTab('orders');
    void placeOrder();
  };
  return (
    <>
      <p>
        Place one as a browser would, and watch it light up every arrow. Each service proves who it is, checks who
        calls, and asks its own <Term id="policy" />; the database lets in by certificate, too.
      </p>
      <Button variant="primary" size="s" icon={Send} isPending={outcome.state === 'pending'} onPress={order}>
        Place an order
      </Button>
      <Said>
        {fresh?.state === 'placed' &&
          `Placed: ${chainOf(fresh.placed.hops ?? [])
            .map(({ id }) => lastSegment(id))
            .join(' → ')}, every hop allowed.`}
        {fresh?.state === 'refused' && `Not placed: ${fresh.problem.detail}`}
      </Said>
    </>
  );
}
