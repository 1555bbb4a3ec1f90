/** The readers of what {@link StackControl} answers, one for each type of `stack-control.ts`. */
import {
  anything,
  boolean,
  exactly,
  list,
  number,
  object,
  oneOf,
  optional,
  type Reader,
  record,
  refuse,
  text,
} from './readers.ts';
import type {
  AbilityState,
  AttackDescription,
  AttackResult,
  CertificateText,
  CertificateView,
  ChangedDecision,
  DecidedInput,
  FederationState,
  IdentityResult,
  PartnerCallResult,
  PolicyCheck,
  PolicyProblem,
  PolicyState,
  PolicyVerdict,
  StackDescription,
  StackWorkload,
} from './stack-control.ts';

const words = text();
const texts = list(words);

const federation: Reader<FederationState> = object({
  federated: boolean,
  partner: words,
  partnerId: words,
  workload: words,
});

const workload: Reader<StackWorkload> = object({ name: words, spiffeId: words, runs: boolean, registered: boolean });

const abilityParts = object({ there: boolean, why: optional(words) });
const ability: Reader<AbilityState> = (value, at) => {
  const { there, why } = abilityParts(value, at);
  if (there) return { there };
  if (why === undefined) throw refuse(`${at}.why is missing`);
  return { there, why };
};

/** Answer of `describe`. */
export const stackDescription: Reader<StackDescription> = object({
  provider: oneOf('embedded', 'spire'),
  trustDomain: words,
  customerUrl: words,
  workloads: list(workload),
  federation,
  abilities: object({ identity: ability, federation: ability, attacks: ability, policy: ability }),
});

/** Answer of whatever changes identities. */
export const identityResult: Reader<IdentityResult> = object({ done: words, workloads: list(workload), federation });

/** Answer of `partnerCall`. */
export const partnerCallResult: Reader<PartnerCallResult> = object({ served: boolean, wire: words, meaning: words });

const certificateText: Reader<CertificateText> = object({
  subject: words,
  issuer: words,
  serial: words,
  notBefore: words,
  notAfter: words,
  uriSans: texts,
  dnsSans: texts,
  keyUsage: texts,
  extendedKeyUsage: texts,
  ca: boolean,
  key: words,
  signatureAlgorithm: words,
  sha256Fingerprint: words,
  pem: words,
});

/** Answer of `certificate`. */
export const certificateView: Reader<CertificateView> = object({
  workload: words,
  spiffeId: words,
  chain: list(certificateText),
  bundles: list(object({ trustDomain: words, authorities: list(certificateText) })),
  jwtKeys: list(object({ trustDomain: words, kid: words, kind: words, sha256Fingerprint: words })),
});

/** Answer of `policy`, and of what changes it. */
export const policyState: Reader<PolicyState> = object({
  text: words,
  revision: words,
  undoable: number,
  asGenerated: boolean,
});

const problem: Reader<PolicyProblem> = object<PolicyProblem>({
  at: words,
  line: optional(number),
  column: optional(number),
  message: words,
});
const verdict: Reader<PolicyVerdict> = object({ allow: boolean, reason: words, hides: texts });
const changed: Reader<ChangedDecision> = object({
  decisionId: words,
  before: verdict,
  after: verdict,
  self: words,
  peer: words,
  operation: words,
});

/** Answer of `checkPolicy`. */
export const policyCheck: Reader<PolicyCheck> = object({
  valid: boolean,
  problems: list(problem),
  warnings: list(problem),
  tried: number,
  untried: number,
  changed: list(changed),
  revision: words,
});

/** A decision that `checkPolicy` is to try again. */
export const decidedInput: Reader<DecidedInput> = exactly({
  decisionId: text(200),
  input: anything,
  result: anything,
  hidden: list(text(1_000), 1_000),
});

/** A member of what `attacks` answers. */
export const attackDescription: Reader<AttackDescription> = object({
  id: words,
  attack: words,
  what: words,
  group: words,
  caller: words,
  server: words,
  transport: oneOf('https', 'grpc', 'postgres'),
  operation: words,
});

/** Answer of `attack`. */
export const attackResult: Reader<AttackResult> = object<AttackResult>({
  id: words,
  verdict: oneOf('refused', 'served', 'limit', 'wrong'),
  wire: words,
  expectedWire: words,
  layer: words,
  reason: words,
  record: optional(record(anything)),
  source: object({ file: words, line: number }),
  remedy: optional(words),
  problems: texts,
  tookMs: number,
});
