/** The order form, and what came of the last order. */
import { Send } from 'lucide-react';
import type { FormEvent } from 'react';
import { ProblemNotice } from '../api/notices.tsx';
import { Banner } from '../design/banner.tsx';
import { Button } from '../design/button.tsx';
import { Choice } from '../design/choice.tsx';
import { NumberField, TextField } from '../design/field.tsx';
import { Section } from '../design/panel.tsx';
import { Term } from '../design/term.tsx';
import { Hops } from './hops.tsx';
import { editDraft, type Outcome, placeOrder, useOrders } from './orders-store.ts';

const VIA = [
  { id: 'http', text: 'HTTP' },
  { id: 'grpc', text: 'gRPC' },
] as const;

export function PlaceOrder({ why }: { readonly why: string | undefined }) {
  const { item, quantity, customer, via } = useOrders((orders) => orders.draft);
  const outcome = useOrders((orders) => orders.outcome);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void placeOrder();
  };
  return (
    <Section
      title="Place an order"
      lead={
        <>
          As a browser would, at the customer service. Every hop behind it is <Term id="mtls" />, and is decided by the{' '}
          <Term id="policy" /> of the service called.
        </>
      }
    >
      {why !== undefined && (
        <Banner kind="info" title="Orders not available">
          {why}
        </Banner>
      )}
      <form className="order-form" onSubmit={submit}>
        <TextField label="Item" value={item} onChange={(value) => editDraft({ item: value })} isRequired />
        <NumberField
          label="Quantity"
          value={quantity}
          minValue={1}
          onChange={(value) => editDraft({ quantity: Number.isNaN(value) ? 1 : value })}
        />
        <TextField label="Customer" value={customer} onChange={(value) => editDraft({ customer: value })} isRequired />
        <Choice label="Transport" options={VIA} value={via} onChange={(value) => editDraft({ via: value })} />
        <Button
          type="submit"
          variant="primary"
          icon={Send}
          isPending={outcome.state === 'pending'}
          isDisabled={why !== undefined}
        >
          Place order
        </Button>
      </form>
      <OutcomeOf outcome={outcome} />
    </Section>
  );
}

function OutcomeOf({ outcome }: { readonly outcome: Outcome }) {
  if (outcome.state === 'refused') return <ProblemNotice title="Not placed" problem={outcome.problem} />;
  if (outcome.state === 'placed') return <Hops placed={outcome.placed} />;
  return null;
}
