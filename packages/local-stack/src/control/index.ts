/** The control of a running system, for development pages. */
export { createPolicyControl, type PolicyControl, type PolicyControlOptions } from './policy/policy-control.ts';
export type {
  Ability,
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
  StackControl,
  StackDescription,
  StackWorkload,
} from './stack-control.ts';
