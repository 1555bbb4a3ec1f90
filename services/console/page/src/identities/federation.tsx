/** The partner: another trust domain, whose workload is believed only while both are federated, and let in only by a grant. */
import type { FederationState } from '@countersign/local-stack/control';
import { CircleCheck, CircleSlash, Handshake, PhoneCall } from 'lucide-react';
import { MissingNotice } from '../api/notices.tsx';
import { useMissing, useSession } from '../api/session.ts';
import { Button, Section, SpiffeId, Tag, Term } from '../design/index.ts';
import { callAsPartner, keyOf, operate, useIdentities } from './identity-store.ts';

export function Federation() {
  const session = useSession();
  const federation = session.state === 'ready' ? session.session.stack?.federation : undefined;
  return (
    <Section
      title="A partner"
      lead={
        <>
          <Term id="federation">Federation</Term> lets one <Term id="trust-domain" /> check the certificates of another.
          Being believed is not yet being allowed.
        </>
      }
    >
      <MissingNotice ability="federation" what="Federation is" />
      {federation !== undefined && <Partner federation={federation} />}
      <LastCall />
    </Section>
  );
}

function Partner({
  federation: { federated, partner, partnerId, workload },
}: {
  readonly federation: FederationState;
}) {
  const why = useMissing('federation');
  const joining = useIdentities(({ running }) => running.has(keyOf('federate')));
  const leaving = useIdentities(({ running }) => running.has(keyOf('unfederate')));
  const calling = useIdentities((identities) => identities.partnerCalls);
  return (
    <>
      <p className="small">
        {federated ? (
          <>
            <strong>{workload}</strong> has the <Term id="trust-bundle">bundle</Term> of <strong>{partner}</strong>, so
            it can tell that a caller really is <SpiffeId id={partnerId} plain />.
          </>
        ) : (
          <>
            <strong>{workload}</strong> has no <Term id="trust-bundle">bundle</Term> of <strong>{partner}</strong>: it
            can’t check who <SpiffeId id={partnerId} plain /> is, and closes the connection.
          </>
        )}
      </p>
      <div className="row">
        {federated ? (
          <Button
            size="s"
            variant="danger"
            isPending={leaving}
            isDisabled={why !== undefined}
            onPress={() => void operate('unfederate')}
          >
            Leave federation
          </Button>
        ) : (
          <Button
            size="s"
            icon={Handshake}
            isPending={joining}
            isDisabled={why !== undefined}
            onPress={() => void operate('federate')}
          >
            Federate
          </Button>
        )}
        <Button
          size="s"
          icon={PhoneCall}
          isPending={calling}
          isDisabled={why !== undefined}
          onPress={() => void callAsPartner()}
        >
          Call as partner
        </Button>
      </div>
    </>
  );
}

function LastCall() {
  const result = useIdentities((identities) => identities.partnerCall);
  return (
    <div role="status">
      {result !== undefined && (
        <p className="identity-partner small">
          <Tag tone={result.served ? 'good' : 'bad'} icon={result.served ? CircleCheck : CircleSlash}>
            {result.served ? 'served' : 'refused'}
          </Tag>
          <code>{result.wire}</code>
          <span>{result.meaning}</span>
        </p>
      )}
    </div>
  );
}
