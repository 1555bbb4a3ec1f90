/**
 * Federation for the console: a partner's trust domain is started when it is first needed, and one of our workloads gets its
 * bundle, or loses it. Who is believed by then is not yet who is allowed.
 */
import type { Identities } from '@countersign/identities';
import { parseBundleDocument, TrustDomain } from '@countersign/spiffe-tls';
import type { LogRecord } from '../part.ts';
import { type Partner, startPartner } from '../partner.ts';
import { partnerIdOf, partnerTrustDomain } from '../partner-name.ts';
import type { RunningSystem } from '../system.ts';
import type { TrustOperator } from '../trust-operator.ts';
import { recordsFromNow, untilHeard } from '../workload-updates.ts';
import type { IdentityOperations } from './identity-operations.ts';
import { callAsPartner } from './partner-call.ts';
import type { FederationState, PartnerCallResult } from './stack-control.ts';

/** What the operations are made from. */
export interface FederationOperationsParts {
  readonly identities: Identities;
  readonly trust: TrustOperator;
  readonly identity: Pick<IdentityOperations, 'hearing'>;
  readonly system: Pick<RunningSystem, 'waitForLog' | 'addresses'>;
}

/** The operations; those that change something give one sentence that says what was done. */
export interface FederationOperations {
  state(): Promise<FederationState>;
  federate(): Promise<string>;
  unfederate(): Promise<string>;
  partnerCall(): Promise<PartnerCallResult>;
  /** Ends the partner's trust domain. */
  close(): Promise<void>;
}

/** The workload that gets the partner's bundle, and that the partner calls. */
const federated = 'backend';
/** The partner's own. */
const caller = 'buyer';
const refusalTimeoutMs = 3_000;

/** SPIFFE ID of the partner's one workload. */
export const partnerId = partnerIdOf(partnerTrustDomain, caller);

/** Makes them; nothing is started yet. */
export function createFederationOperations(parts: FederationOperationsParts): FederationOperations {
  const { identities, trust, identity, system } = parts;
  const partner = partnerTrustDomain;
  let running: Promise<Partner> | undefined;
  let closed = false;
  const start = () => {
    if (closed) throw new TypeError('local-stack: the control is closed');
    running ??= startPartner(partner, [caller]).catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    return running;
  };
  const isFederated = async () => (await trust.partners()).includes(partner);
  const untilTrusts = async (trusts: boolean, change: () => Promise<void>) => {
    const workloads = await identity.hearing([federated]);
    await untilHeard(system, { news: { trustDomain: partner, trusts }, workloads }, change);
  };
  return {
    async state() {
      return { federated: await isFederated(), partner, partnerId, workload: federated };
    },
    async federate() {
      // A partner of an earlier control had another CA: its bundle is replaced.
      if (running !== undefined && (await isFederated())) return `${federated} federates with ${partner} already.`;
      const document = await (await start()).bundleDocument();
      await untilTrusts(true, () => trust.federate(partner, document, [federated]));
      return `${federated} has the bundle of ${partner}: it believes ${partner}'s certificates. Whom it serves is for the grants to say.`;
    },
    async unfederate() {
      if (!(await isFederated())) return `${federated} does not federate with ${partner}.`;
      await untilTrusts(false, () => trust.unfederate(partner));
      return `${federated} has no bundle of ${partner} any more: its certificates are worth nothing here, whatever the grants say.`;
    },
    async partnerCall() {
      const trustDomain = TrustDomain.parse(identities.trustDomain);
      // The partner believes us in any case: the only side that can refuse is ours.
      const { x509 } = parseBundleDocument(trustDomain, Buffer.from(await trust.bundleDocument()));
      const source = await (await start()).sourceAs(caller, x509);
      const since = recordsFromNow();
      return await callAsPartner(source, {
        workload: federated,
        address: system.addresses.backend.https,
        spiffeId: identities.workload(federated).spiffeId,
        refusalFrom: (port) =>
          system.waitForLog(federated, (record) => since(record) && isRefusalOf(port, record), refusalTimeoutMs),
      });
    },
    async close() {
      closed = true;
      const started = await running?.catch(() => undefined);
      await started?.[Symbol.asyncDispose]();
    },
  };
}

function isRefusalOf(port: number, { event, remote }: LogRecord): boolean {
  return (
    event === 'refused' && typeof remote === 'object' && remote !== null && 'port' in remote && remote.port === port
  );
}
