/** The way of one order: who called whom, over what, and what was decided there. */
import { ArrowDown, CircleCheck, OctagonX, Waypoints } from 'lucide-react';
import type { Hop, PlacedOrder } from '../../../src/wire/actions.ts';
import { Button } from '../design/button.tsx';
import { SpiffeId } from '../design/spiffe-id.tsx';
import { Tag } from '../design/tag.tsx';
import { Term } from '../design/term.tsx';
import { useShell } from '../shell/shell-store.ts';
import { chainOf } from './hop-chain.ts';

const WAYS: Readonly<Record<Hop['transport'], string>> = { http: 'HTTPS', grpc: 'gRPC', postgres: 'PostgreSQL' };

export function Hops({ placed: { order, hops = [], trace_id: traceId } }: { readonly placed: PlacedOrder }) {
  const inspect = useShell((shell) => shell.inspect);
  const links = chainOf(hops);
  return (
    <div className="order-way" role="status">
      <p className="order-placed">
        <CircleCheck aria-hidden />
        <span>
          <strong>
            {order.quantity} × {order.item}
          </strong>{' '}
          placed, on behalf of <SpiffeId id={order.created_by} plain />: the verified <Term id="origin" />.
        </span>
      </p>
      {links.length === 0 ? (
        <p className="muted small">Services tell about their hops in development only; this one did not.</p>
      ) : (
        <ol className="hops" aria-label="Hops">
          {links.map(({ id, name, call }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: one order's hops never change, and a party may be there twice
            <li key={index}>
              {call && <Call hop={call} />}
              <span className="hop-party">
                <strong>{name}</strong>
                {id !== name && <SpiffeId id={id} plain />}
              </span>
            </li>
          ))}
        </ol>
      )}
      {traceId !== undefined && (
        <Button size="s" icon={Waypoints} onPress={() => inspect({ kind: 'trace', traceId })}>
          See trace
        </Button>
      )}
    </div>
  );
}

function Call({ hop: { transport, decision, decision_id: decisionId } }: { readonly hop: Hop }) {
  const inspect = useShell((shell) => shell.inspect);
  const allowed = decision === 'allow';
  return (
    <span className="hop-call">
      <ArrowDown aria-hidden />
      <span>{WAYS[transport]}</span>
      <Tag tone={allowed ? 'good' : 'bad'} icon={allowed ? CircleCheck : OctagonX}>
        {allowed ? 'allowed' : decision}
      </Tag>
      {transport === 'postgres' ? (
        <span className="muted">
          as role <code>{decisionId}</code>
        </span>
      ) : (
        <Button size="s" variant="quiet" onPress={() => inspect({ kind: 'decision', id: decisionId })}>
          decision
        </Button>
      )}
    </span>
  );
}
