/** A workload from close by: how it is, its certificate as openssl shows it, the bundles and keys it got. */

import type { CertificateView } from '../../../src/wire/actions.ts';
import type { Workload, WorkloadState } from '../../../src/wire/model.ts';
import { api } from '../api/index.ts';
import { Empty, type Fact, Facts, Section, SpiffeId, StateTag, Term, Time } from '../design/index.ts';
import { useLive } from '../live/index.ts';
import { CertificateFacts } from './certificate-facts.tsx';
import { FetchedView } from './fetched-view.tsx';
import { useFetched } from './use-fetched.ts';

/** What each state means, in one sentence. */
const meanings: Readonly<Record<WorkloadState, string>> = {
  ready: 'It reports, and has an identity.',
  'no-identity': 'It reports that it has no identity: none was given yet, or it was withdrawn.',
  silent: 'It reported before and does no more: stopped, killed or cut off.',
  seen: 'Others name it; it reports nothing itself.',
};

export function WorkloadView({ id }: { readonly id: string }) {
  const workload = useLive((live) => live.workloads.get(id));
  if (!workload) return <Empty title="This workload is no longer known.">Nobody has named it for a while.</Empty>;
  return (
    <>
      <Section title={workload.name} actions={<StateTag state={workload.state} />} lead={meanings[workload.state]}>
        <Facts facts={factsOf(workload)} />
      </Section>
      {workload.trustDomain !== '' && <Documents name={workload.name} serial={workload.svid?.serial} />}
    </>
  );
}

function factsOf({ id, trustDomain, svid, trustDomains, rotations, instances, lastSeenAt }: Workload): readonly Fact[] {
  return [
    { id: 'id', name: <Term id="spiffe-id" />, value: trustDomain === '' ? 'none' : <SpiffeId id={id} whole /> },
    { id: 'domain', name: <Term id="trust-domain">Trust domain</Term>, value: trustDomain || undefined },
    { id: 'serial', name: <Term id="serial">Serial number</Term>, value: svid && <code>{svid.serial}</code> },
    { id: 'since', name: 'In use since', value: svid && <Time at={svid.since} /> },
    { id: 'rotates', name: 'New one expected', value: svid && <Time at={svid.rotatesAt} /> },
    { id: 'expires', name: 'Expires', value: svid && <Time at={svid.notAfter} /> },
    {
      id: 'rotations',
      name: <Term id="rotation">Rotations</Term>,
      value: svid && `${rotations} since the console started`,
    },
    { id: 'bundles', name: <Term id="trust-bundle">Bundles</Term>, value: trustDomains.join(', ') || undefined },
    { id: 'instances', name: 'Processes', value: instances.length || undefined },
    { id: 'seen', name: 'Last heard of', value: <Time at={lastSeenAt} /> },
  ];
}

/** Fetched anew with each serial number. */
function Documents({ name, serial }: { readonly name: string; readonly serial: string | undefined }) {
  const [fetched, again] = useFetched(`${name} ${serial}`, (signal) => api.certificate(name, signal));
  return (
    <FetchedView
      what={`the certificate of ${name}`}
      fetched={fetched}
      onRetry={again}
      forgotten="It is not registered in this system, so there is no certificate to fetch for it."
    >
      {(view) => <Certificates view={view} />}
    </FetchedView>
  );
}

function Certificates({ view }: { readonly view: CertificateView }) {
  return (
    <>
      <Section
        title="Certificate"
        lead={<>As openssl shows it. The key stays in the process: it is not to be had here.</>}
      >
        {view.chain.map((certificate) => (
          <CertificateFacts key={certificate.sha256Fingerprint} certificate={certificate} />
        ))}
      </Section>
      <Section
        title="Bundles"
        lead={
          <>
            The <Term id="trust-bundle">trust bundles</Term> it got: whose certificates it believes.
          </>
        }
      >
        {view.bundles.map(({ trustDomain, authorities }) => (
          <div key={trustDomain} className="stack-tight">
            <h4>{trustDomain}</h4>
            {authorities.map((certificate) => (
              <CertificateFacts key={certificate.sha256Fingerprint} certificate={certificate} />
            ))}
          </div>
        ))}
      </Section>
      <Section
        title="Token keys"
        lead={
          <>
            <Term id="jwt" /> of each trust domain.
          </>
        }
      >
        {view.jwtKeys.length === 0 && <p className="muted small">None.</p>}
        {view.jwtKeys.map(({ trustDomain, kid, kind, sha256Fingerprint }) => (
          <Facts
            key={`${trustDomain} ${kid}`}
            facts={[
              { id: 'kid', name: 'Key ID', value: <code>{kid}</code> },
              { id: 'domain', name: 'Trust domain', value: trustDomain },
              { id: 'kind', name: 'Kind', value: kind },
              { id: 'print', name: <Term id="fingerprint">SHA-256</Term>, value: <code>{sha256Fingerprint}</code> },
            ]}
          />
        ))}
      </Section>
    </>
  );
}
