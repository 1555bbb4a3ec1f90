/**
 * What the doctor looks at, gathered before any check runs: checks are pure, so each finding can be planted in a test.
 */

/** An environment that a process has, or will have. */
export interface EnvironmentFacts {
  /** Whose it is. */
  readonly subject: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What stands at the path of a Workload API's socket. */
export type SocketKind = 'socket' | 'missing' | 'no-socket' | 'not-permitted';

/** One address of a Workload API. */
export interface EndpointFacts {
  readonly subject: string;
  /** As it is written. */
  readonly address: string;
  /** Absent for addresses without a path, and for those that can't be read. */
  readonly socket?: SocketKind;
}

/** A trust domain's bundle, as it arrived. */
export interface BundleFacts {
  readonly trustDomain: string;
  /** When each of its CAs expires. */
  readonly authoritiesExpireMs: readonly number[];
}

/** What the Workload API answered. */
export type WorkloadAnswer =
  | {
      readonly kind: 'svid';
      readonly spiffeId: string;
      readonly dnsNames: readonly string[];
      readonly notBeforeMs: number;
      readonly notAfterMs: number;
      readonly bundles: readonly BundleFacts[];
    }
  | { readonly kind: 'denied'; readonly message: string }
  | { readonly kind: 'silent'; readonly message: string };

/** One workload that was asked for. */
export interface WorkloadFacts {
  readonly name: string;
  /** By identities.json. */
  readonly expectedId: string;
  readonly expectedDnsName: string;
  readonly postgresRole?: string;
  /** Trust domains of those it calls, and of those who call it. */
  readonly peerTrustDomains: readonly string[];
  readonly answer: WorkloadAnswer;
  /** The user that asked, and the one that the workload's selectors name, where they do. */
  readonly askedAsUid?: number;
  readonly selectorUid?: number;
}

/** Another clock, as an HTTP `Date` tells it. */
export interface ClockFacts {
  readonly subject: string;
  readonly theirsMs: number;
  readonly oursMs: number;
}

/** A service's health port. */
export interface HealthFacts {
  readonly service: string;
  /** Why it is not ready, by part; `undefined` when nothing answers. */
  readonly reasons?: Readonly<Record<string, string>>;
}

/** The policy in its three places. */
export interface PolicyFacts {
  /** Grants that identities.json gives, and those in the policy's data, as JSON in one order. */
  readonly wantedGrants: string;
  readonly writtenGrants: string;
  /** SPIFFE IDs that the written grants name. */
  readonly grantedIds: readonly string[];
  /** The compiled bundle's revision, or why it is refused. */
  readonly bundle: { readonly revision: string } | { readonly refused: string };
  /** What services loaded. */
  readonly loaded: readonly { readonly service: string; readonly revision: string }[];
}

/** PostgreSQL's map from certificate to role. */
export interface PostgresFacts {
  readonly identLines: readonly string[];
  /** What the running server reads. */
  readonly identFile?: string;
}

/** A port that the system is going to listen on. */
export interface PortFacts {
  readonly name: string;
  readonly port: number;
  readonly variable: string;
  /** Why it can't be bound. */
  readonly problem?: string;
}

/** A folder or key that must be private. */
export interface FileFacts {
  readonly path: string;
  readonly kind: 'directory' | 'key';
  readonly mode: number;
}

/** Everything. */
export interface Facts {
  readonly nowMs: number;
  readonly nodeVersion: string;
  readonly trustDomain: string;
  readonly knownIds: readonly string[];
  readonly environments: readonly EnvironmentFacts[];
  readonly endpoints: readonly EndpointFacts[];
  readonly workloads: readonly WorkloadFacts[];
  readonly clocks: readonly ClockFacts[];
  readonly health: readonly HealthFacts[];
  readonly policy: PolicyFacts;
  readonly postgres: PostgresFacts;
  readonly ports: readonly PortFacts[];
  readonly files: readonly FileFacts[];
}

/** Something that is not as it should be. */
export interface Finding {
  readonly status: 'warn' | 'fail';
  /** What it is about. */
  readonly subject: string;
  /** What was seen. Never a secret's value. */
  readonly evidence: string;
  /** What to do. */
  readonly fix: string;
}

/** Looks for one kind of mistake in facts, of the running system unless it says otherwise. */
export interface Check<F = Facts> {
  /** A word for programs; the guide refers to it. */
  readonly name: string;
  /** What holds when nothing is found. */
  readonly holds: string;
  readonly run: (facts: F) => readonly Finding[];
}
