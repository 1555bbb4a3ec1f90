/**
 * What can be asked of a running trust domain: the interface that the trust domain itself and the client of its control
 * socket both have.
 */
import type { CallFilter, CallRecord } from './calls.ts';
import type { EndpointFederation } from './endpoint-federation.ts';
import type { Fault, StatusName } from './faults.ts';
import type { Registration } from './registration.ts';
import type {
  CaRotationResult,
  FederationStatus,
  JwtRotationResult,
  TrustDomainStatus,
  WorkloadStatus,
} from './status.ts';

/** What `register` takes: without an ID it is the one the workload had before, or one made from the namespace. */
export type RegistrationRequest = Pick<Registration, 'name'> & Partial<Registration>;

/** Timing of one rotation of the CA or the JWT key; the defaults are the trust domain's. */
export interface RotateAuthorityOptions {
  /** How long the new one is published before it signs. */
  readonly settleMs?: number;
  /** How long the old one stays in the bundle after that. */
  readonly dropAfterMs?: number;
}

/** Which open calls are ended, and how. */
export interface CloseStreamsOptions extends CallFilter {
  /** Default `UNAVAILABLE`; `OK` ends streams as if there were nothing more to say. */
  readonly code?: StatusName;
  /** Default `closed on command`. */
  readonly details?: string;
}

/** What can be asked of a running trust domain, in process and over its control socket alike. */
export interface TrustDomainControl {
  status(): Promise<TrustDomainStatus>;
  /** Issues new SVIDs, for one workload or all; settles when they were sent to every open stream. */
  rotate(name?: string): Promise<readonly WorkloadStatus[]>;
  /** Replaces the CA: publishes the new root, waits, issues for everyone from it. The old root is dropped later by itself. */
  rotateCa(options?: RotateAuthorityOptions): Promise<CaRotationResult>;
  /** Replaces the key that signs JWT-SVIDs in the same way. */
  rotateJwt(options?: RotateAuthorityOptions): Promise<JwtRotationResult>;
  /** Adds an identity, or replaces the one with the same SPIFFE ID; a name that is new gets a socket. */
  register(request: RegistrationRequest): Promise<WorkloadStatus>;
  /** Takes all identities of a workload away, or one; without any left its open streams end with PermissionDenied. The socket stays. */
  unregister(name: string, spiffeId?: string): Promise<WorkloadStatus>;
  /** The own bundle document, for others to federate with. */
  bundleDocument(): Promise<string>;
  /** Federates with a trust domain by its bundle document, or replaces the one that is known. Workloads that name it get it. */
  federate(trustDomain: string, bundleDocument: string): Promise<void>;
  /**
   * Federates with a trust domain by its bundle endpoint, which is asked from now on as often as its document hints. Settles
   * when the endpoint answered or failed once: a failure is in the answer, and does not end the relationship.
   */
  federateByEndpoint(request: EndpointFederation): Promise<FederationStatus>;
  /** Ends a federation: workloads lose the other's bundle at once. */
  unfederate(trustDomain: string): Promise<void>;
  /** Makes calls or messages to come go wrong. Faults of the same kind are used up in the order injected. */
  injectFault(fault: Fault): Promise<void>;
  /** Forgets the faults that wait. */
  clearFaults(): Promise<void>;
  /** Ends calls that are open; returns how many. */
  closeStreams(options?: CloseStreamsOptions): Promise<number>;
  /** The last thousand calls that workloads made, the oldest first. */
  calls(filter?: CallFilter): Promise<readonly CallRecord[]>;
}
