/** Orders: place one and see its way, keep a steady load going, watch all of them come. */
import { useSession } from '../api/session.ts';
import { OrderTable } from './order-table.tsx';
import { PlaceOrder } from './place-order.tsx';
import { SteadyLoad } from './steady-load.tsx';
import './orders.css';

export default function OrdersTab() {
  const why = useNoOrders();
  return (
    <div className="orders stack">
      <PlaceOrder why={why} />
      <SteadyLoad why={why} />
      <OrderTable />
    </div>
  );
}

/** Why no order can be placed; nothing when one can. */
function useNoOrders(): string | undefined {
  const now = useSession();
  if (now.state === 'loading') return 'Waiting for the console to say what it can do.';
  if (now.state === 'failed') return now.message;
  if (now.session.customerUrl !== undefined || now.session.stack !== undefined) return undefined;
  return 'This console was started without the address of the customer service, so it can only watch.';
}
