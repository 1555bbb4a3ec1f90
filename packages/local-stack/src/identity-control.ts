/**
 * What can be done to the identities of a running system, wherever they come from: rotation and withdrawal have the same
 * meaning on the development trust domain and on SPIRE, and so do the tests of both.
 */
import type { TrustDomainControl } from '@countersign/dev-trust-domain';
import type { Identities } from '@countersign/identities';

/** Identities as they come and go. Each method resolves when it is ordered; workloads hear of it a moment later. */
export interface IdentityControl {
  /** New SVIDs for every workload. */
  rotate(): Promise<void>;
  /** A new CA in the place of the old one, with both in every bundle in between. The old root leaves last, see `roots`. */
  rotateCa(): Promise<void>;
  /** The roots of the trust domain's bundle, each by something that no other has. */
  roots(): Promise<readonly string[]>;
  /** Takes a workload's identity away. */
  withdraw(workload: string): Promise<void>;
  /** Gives a workload an identity: its own, or by mistake that of another. */
  give(workload: string, identity?: string): Promise<void>;
}

/** Long enough for every workload to have an SVID of the new CA. */
const dropAfterMs = 5_000;

/** The control of a system on the development trust domain. */
export function createEmbeddedControl(trustDomain: TrustDomainControl, identities: Identities): IdentityControl {
  return {
    async rotate() {
      await trustDomain.rotate();
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
    async give(workload, identity = workload) {
      const registration = identities.registrations().find(({ name }) => name === identity);
      if (registration === undefined) throw new TypeError(`local-stack: identities.json has no workload ${identity}`);
      await trustDomain.register({ ...registration, name: workload });
    },
  };
}
