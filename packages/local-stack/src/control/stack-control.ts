/**
 * What a development page can ask of a running system, whatever its identities come from: the interface that the server of
 * the stack's control socket and its client both have. Development only: whoever can open the socket commands the trust
 * domain and the policy, so it lies in a directory that is its owner's alone.
 */

/** A running system. */
export interface StackDescription {
  /** Where identities come from. */
  readonly provider: 'embedded' | 'spire';
  readonly trustDomain: string;
  readonly customerUrl: string;
  /** In the order of `identities.json`. */
  readonly workloads: readonly StackWorkload[];
  readonly federation: FederationState;
  /** What this system can do; a button for anything else says why not. */
  readonly abilities: Readonly<Record<Ability, AbilityState>>;
}

/** Groups of operations. */
export type Ability = 'identity' | 'federation' | 'attacks' | 'policy';

/** `why` in one sentence, when it is not there. */
export type AbilityState = { readonly there: true } | { readonly there: false; readonly why: string };

/** A workload of `identities.json`. */
export interface StackWorkload {
  readonly name: string;
  readonly spiffeId: string;
  /** Whether it is one of the long-running programs. */
  readonly runs: boolean;
  /** Whether it has a registration at present. */
  readonly registered: boolean;
}

/** The partner's trust domain, which the stack can start, federate with, and leave again. */
export interface FederationState {
  readonly federated: boolean;
  /** Its name. */
  readonly partner: string;
  /** SPIFFE ID of its one workload. */
  readonly partnerId: string;
  /** Name of the workload of ours that gets its bundle. */
  readonly workload: string;
}

/** What an operation on identities did, when every workload that it concerns has heard of it. */
export interface IdentityResult {
  /** One sentence for people. */
  readonly done: string;
  readonly workloads: readonly StackWorkload[];
  readonly federation: FederationState;
}

/** The partner's workload called ours, for real. */
export interface PartnerCallResult {
  readonly served: boolean;
  /** In the fixed form of the deny matrix: `HTTP 200`, `HTTP 403 POLICY_DENIED`, `closed`. */
  readonly wire: string;
  /** What it means, in one sentence: not believed, believed and not allowed, allowed. */
  readonly meaning: string;
}

/** A certificate as `openssl x509 -text` would show it, and what came with it. No key. */
export interface CertificateView {
  readonly workload: string;
  readonly spiffeId: string;
  /** Leaf first, then intermediates. */
  readonly chain: readonly CertificateText[];
  /** Bundles it got, by trust domain. */
  readonly bundles: readonly { readonly trustDomain: string; readonly authorities: readonly CertificateText[] }[];
  readonly jwtKeys: readonly {
    readonly trustDomain: string;
    readonly kid: string;
    readonly kind: string;
    readonly sha256Fingerprint: string;
  }[];
}

/** One certificate. */
export interface CertificateText {
  readonly subject: string;
  readonly issuer: string;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  readonly keyUsage: readonly string[];
  readonly extendedKeyUsage: readonly string[];
  readonly ca: boolean;
  /** `EC P-256`. */
  readonly key: string;
  readonly signatureAlgorithm: string;
  readonly sha256Fingerprint: string;
  readonly pem: string;
}

/** The grants as they are. */
export interface PolicyState {
  /** JSON, indented by two. */
  readonly text: string;
  /** SHA-256 of the text, hexadecimal. */
  readonly revision: string;
  /** How many applied changes can be undone; none once the file was changed by something else. */
  readonly undoable: number;
  /** Whether it is what `identities.json` says. */
  readonly asGenerated: boolean;
}

/** What is wrong with a text, or odd about it. */
export interface PolicyProblem {
  /** JSON pointer, empty for the whole. */
  readonly at: string;
  /** 1-based; absent where it is about the whole. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** What the policy said, or would say. */
export interface PolicyVerdict {
  readonly allow: boolean;
  readonly reason: string;
  /** Fields of the answer that the caller does not get to see. */
  readonly hides: readonly string[];
}

/** A recent decision that would be another one. */
export interface ChangedDecision {
  readonly decisionId: string;
  /** As it was recorded. */
  readonly before: PolicyVerdict;
  readonly after: PolicyVerdict;
  readonly self: string;
  readonly peer: string;
  readonly operation: string;
}

/** A decision's ID with the input it was made on, and its result. */
export interface DecidedInput {
  readonly decisionId: string;
  readonly input: unknown;
  readonly result: unknown;
  /** Paths that masks of the decision log took away or wrote over: the event's `erased` and `masked`. */
  readonly hidden: readonly string[];
}

/** What a text would do. */
export interface PolicyCheck {
  /** Whether services would take it. */
  readonly valid: boolean;
  readonly problems: readonly PolicyProblem[];
  /** What they would take and nobody can have meant: a name that no workload has, a peer without an operation. */
  readonly warnings: readonly PolicyProblem[];
  /** How many recent decisions were tried again. */
  readonly tried: number;
  /** Those that could not be: their input was masked. */
  readonly untried: number;
  readonly changed: readonly ChangedDecision[];
  /** Of the text. */
  readonly revision: string;
}

/** One attack of the deny matrix on the running system. */
export interface AttackDescription {
  /** Letters, digits and `-`. */
  readonly id: string;
  /** The matrix's own name. */
  readonly attack: string;
  /** What it does, in one sentence. */
  readonly what: string;
  /** `caller`, `headers`, `http`, `grpc`, `tls`, `life`, `chain`. */
  readonly group: string;
  readonly caller: string;
  readonly server: string;
  readonly transport: 'https' | 'grpc' | 'postgres';
  readonly operation: string;
}

/** What came of it. */
export interface AttackResult {
  readonly id: string;
  /** `refused` as it must be, `served` as it must be (a proper call), `limit`: a limit that the threat model names, `wrong`: not as the matrix expects. */
  readonly verdict: 'refused' | 'served' | 'limit' | 'wrong';
  /** What the attacker saw. */
  readonly wire: string;
  readonly expectedWire: string;
  /** Who refused: `TLS handshake`, `caller chain`, `policy`, ... */
  readonly layer: string;
  readonly reason: string;
  /** The server's own record of it, without what is secret. */
  readonly record?: Readonly<Record<string, unknown>>;
  /** Where the code that refused stands, from the root of the checkout. */
  readonly source: { readonly file: string; readonly line: number };
  /** Of docs/reference/refusals.md. */
  readonly remedy?: string;
  readonly problems: readonly string[];
  readonly tookMs: number;
}

/** What can be asked. Every operation fails with a `LocalStackError` whose message is fit for the page. */
export interface StackControl {
  describe(): Promise<StackDescription>;
  /** New SVIDs for one workload, or for all. */
  rotate(workload?: string): Promise<IdentityResult>;
  /** A new CA, the old one dropped: resolves when every running workload has only the new one. */
  rotateCa(): Promise<IdentityResult>;
  withdraw(workload: string): Promise<IdentityResult>;
  give(workload: string): Promise<IdentityResult>;
  federate(): Promise<IdentityResult>;
  unfederate(): Promise<IdentityResult>;
  partnerCall(): Promise<PartnerCallResult>;
  certificate(workload: string): Promise<CertificateView>;
  policy(): Promise<PolicyState>;
  /** @param recent decisions to try the text on */
  checkPolicy(text: string, recent: readonly DecidedInput[]): Promise<PolicyCheck>;
  /**
   * Resolves when every service that decides has loaded it; else nothing is changed.
   * @param revision of the state that the text was made from: when it is another by now, somebody else's change would be lost
   */
  applyPolicy(text: string, revision: string): Promise<PolicyState>;
  /** The grants before the last applied change. @param revision of the state that is to be left */
  undoPolicy(revision: string): Promise<PolicyState>;
  attacks(): Promise<readonly AttackDescription[]>;
  /** One at a time; others wait. */
  attack(id: string): Promise<AttackResult>;
}
