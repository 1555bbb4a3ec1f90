/** New orders as they come. Rows hold still while the pointer, the focus or the scroll position says that somebody reads. */
import { memo, useEffect, useRef, useState } from 'react';
import type { Order } from '../../../src/wire/actions.ts';
import { Button } from '../design/button.tsx';
import { plural } from '../design/duration.ts';
import { Section } from '../design/panel.tsx';
import { lastSegment } from '../design/short-id.ts';
import { Term } from '../design/term.tsx';
import { Time } from '../design/time.tsx';
import { announcement, CAP } from './order-list.ts';
import type { StreamState } from './order-stream.ts';
import { holdOrders, useOrders, watchOrders } from './orders-store.ts';
import '../design/table.css';

export function OrderTable() {
  const list = useOrders((orders) => orders.list);
  const stream = useOrders((orders) => orders.stream);
  const { scroller, reading } = useReading();
  useEffect(watchOrders, []);
  const showHeld = () => {
    scroller.current?.scrollTo({ top: 0 });
    holdOrders(false);
  };
  return (
    <Section title="New orders" lead={leadOf(stream)}>
      <Announcer total={list.total} />
      <div className="order-held">
        {list.held.length > 0 && (
          <Button size="s" variant="quiet" onPress={showHeld}>
            {`Held while you read: show ${plural(list.held.length, 'new order')}`}
          </Button>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="order-scroll" aria-label="Orders as they come" tabIndex={0} ref={scroller} {...reading}>
        <table className="table" aria-label="Orders">
          <thead>
            <tr>
              <th scope="col">Placed</th>
              <th scope="col">Item</th>
              <th scope="col" data-align="end">
                <abbr title="Quantity">Qty</abbr>
              </th>
              <th scope="col">Customer</th>
              <th scope="col">
                Verified <Term id="origin" />
              </th>
            </tr>
          </thead>
          <tbody>
            {list.shown.map((order) => (
              <Row key={order.id} order={order} />
            ))}
            {list.shown.length === 0 && (
              <tr>
                <td colSpan={5} className="table-empty">
                  None since you came. Place one, or turn the load up.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
      {list.total > CAP && (
        <p className="muted small">
          The newest {CAP} of {list.total}.
        </p>
      )}
    </Section>
  );
}

const Row = memo(function Row({ order }: { readonly order: Order }) {
  return (
    <tr>
      <td>
        <Time at={Date.parse(order.created_at)} />
      </td>
      <th scope="row">{order.item}</th>
      <td data-align="end">{order.quantity}</td>
      <td>{order.customer}</td>
      <td>
        <code title={order.created_by}>{lastSegment(order.created_by)}</code>
      </td>
    </tr>
  );
});

function leadOf(stream: StreamState): string {
  if (stream === 'opening') return 'Opening the stream.';
  if (stream === 'open') return 'Streamed by gRPC through every service; who placed an order is proved, not claimed.';
  return 'The stream broke off. It is opened again by itself and misses nothing.';
}

/** Whether somebody reads: the pointer or the focus is on the rows, or they are scrolled. */
function useReading() {
  const scroller = useRef<HTMLElement>(null);
  const inside = useRef(0);
  const judge = () => holdOrders(inside.current > 0 || (scroller.current?.scrollTop ?? 0) > 0);
  const count = (by: number) => () => {
    inside.current = Math.max(0, inside.current + by);
    judge();
  };
  useEffect(() => () => holdOrders(false), []);
  return {
    scroller,
    reading: {
      onPointerEnter: count(1),
      onPointerLeave: count(-1),
      onFocus: count(1),
      onBlur: count(-1),
      onScroll: judge,
    },
  };
}

const TELL_EVERY_MS = 10_000;

/** Tells a screen reader how many came, now and then: one by one they would drown everything else. */
function Announcer({ total }: { readonly total: number }) {
  const latest = useRef(total);
  const told = useRef(total);
  const [said, setSaid] = useState('');
  useEffect(() => {
    latest.current = total;
  }, [total]);
  useEffect(() => {
    const timer = setInterval(() => {
      setSaid(announcement(latest.current, told.current));
      told.current = latest.current;
    }, TELL_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <p role="status" className="visually-hidden">
      {said}
    </p>
  );
}
