/**
 * What can be done to the identities of a running system, wherever they come from: rotation and withdrawal have the same
 * meaning on the development trust domain and on SPIRE, and so do the tests of both.
 */
import type { TrustDomainControl } from '@countersign/dev-trust-domain';
import type { Identities } from '@countersign/identities';
import { FederatedWorkloads, type TrustOperator } from './trust-operator.ts';

/** Identities as they come and go. Each method resolves when it is ordered; workloads hear of it a moment later. */
export interface IdentityControl {
  /** New SVIDs for one workload that has an identity, or for all of them. */
  rotate(workload?: string): Promise<void>;
  /** A new CA in the place of the old one, with both in every bundle in between. The old root leaves last, see `roots`. */
  rotateCa(): Promise<void>;
  /** The roots of the trust domain's bundle, each by something that no other has. */
  roots(): Promise<readonly string[]>;
  /** Takes a workload's identity away. */
  withdraw(workload: string): Promise<void>;
  /** Gives a workload an identity: its own, or by mistake that of another. */
  give(workload: string, identity?: string): Promise<void>;
  /** Names of the workloads that have an identity. */
  registered(): Promise<ReadonlySet<string>>;
}

/** Both sides of the same operator. */
export interface Operator {
  readonly control: IdentityControl;
  readonly trust: TrustOperator;
}

/**
 * Clients take up to five seconds to leave the connections that they made with an SVID of the old CA; servers refuse calls
 * over such connections as soon as it leaves their bundle.
 */
const dropAfterMs = 7_000;

/** The operator of the development trust domain, by its control socket. */
export function createEmbeddedOperator(trustDomain: TrustDomainControl, identities: Identities): Operator {
  const federated = new FederatedWorkloads();
  const registrationOf = (identity: string) => {
    const { name, spiffeId, dnsName } = identities.workload(identity);
    return { name, spiffeId, dnsNames: [dnsName] };
  };
  const give = async (workload: string, identity = workload) => {
    const registration = { ...registrationOf(identity), name: workload, federatesWith: federated.of(workload) };
    await trustDomain.register(registration);
  };
  const registered = async () => {
    const { workloads } = await trustDomain.status();
    return new Set(workloads.filter((each) => each.identities.length > 0).map(({ name }) => name));
  };
  return {
    control: {
      async rotate(workload) {
        await trustDomain.rotate(workload);
      },
      async rotateCa() {
        await trustDomain.rotateCa({ dropAfterMs });
      },
      async roots() {
        return (await trustDomain.status()).authorities.map(({ serialNumber }) => serialNumber);
      },
      async withdraw(workload) {
        await trustDomain.unregister(workload);
      },
      give,
      registered,
    },
    trust: {
      async enroll({ name, spiffeId, dnsName, federatesWith = [] }) {
        const { socket } = await trustDomain.register({ name, spiffeId, dnsNames: [dnsName], federatesWith });
        return { endpoint: socket };
      },
      bundleDocument: () => trustDomain.bundleDocument(),
      async federate(partner, document, workloads) {
        await trustDomain.federate(partner, document);
        federated.add(partner, workloads);
        const present = await registered();
        for (const workload of workloads) if (present.has(workload)) await give(workload);
      },
      async unfederate(partner) {
        federated.delete(partner);
        await trustDomain.unfederate(partner);
      },
      partners: async () => (await trustDomain.status()).federatesWith,
    },
  };
}
