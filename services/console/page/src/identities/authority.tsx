/** The trust domain's CA, and its replacement under way. */
import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { useMissing, useSession } from '../api/session.ts';
import { Button, Confirm, plural, Section, Term } from '../design/index.ts';
import { useLive } from '../live/live-store.ts';
import { keyOf, rollCa, useIdentities } from './identity-store.ts';
import { renewedSince } from './workload-list.ts';

export function Authority() {
  const why = useMissing('identity');
  const session = useSession();
  const rolling = useIdentities(({ running }) => running.has(keyOf('rotate-ca')));
  const [asking, setAsking] = useState(false);
  const slow = session.state === 'ready' && session.session.stack?.provider === 'spire';
  return (
    <Section
      title="Certificate authority"
      lead={
        <>
          The <Term id="ca" /> that signs all of these certificates can be replaced, too, without a call that fails.
        </>
      }
      actions={
        <Button
          size="s"
          icon={KeyRound}
          isPending={rolling}
          isDisabled={why !== undefined}
          onPress={() => setAsking(true)}
        >
          Roll CA
        </Button>
      }
    >
      <Progress rolling={rolling} />
      <Confirm
        title="Replace the certificate authority?"
        verb="Roll CA"
        isOpen={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => void rollCa()}
      >
        <ol className="identity-steps">
          <li>
            A new CA is made, and everybody’s <Term id="trust-bundle" /> gets it beside the old one.
          </li>
          <li>Every workload gets a certificate of the new one.</li>
          <li>
            The old CA leaves the bundles: from then on nothing that it signed is believed, stolen copies included.
          </li>
        </ol>
        <p>
          Calls go on; streams are opened again. {slow ? 'On SPIRE it takes some minutes.' : 'It takes a few seconds.'}
        </p>
      </Confirm>
    </Section>
  );
}

function Progress({ rolling }: { readonly rolling: boolean }) {
  const rolledFrom = useIdentities((identities) => identities.rolledFrom);
  const live = useLive((state) => state.workloads);
  if (rolledFrom === undefined) return null;
  const { renewed, of } = renewedSince(rolledFrom, live);
  return (
    <div className="identity-roll" role="status">
      <progress max={of} value={renewed} aria-label="Workloads with a certificate of the new CA" />
      <p className="small">
        {renewed} of {plural(of, 'workload')} with a new certificate
        {rolling ? '; the old CA leaves when all have one.' : '.'}
      </p>
    </div>
  );
}
