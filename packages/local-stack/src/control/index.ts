/** The control of a running system, for development pages: the client, and what it speaks of. */

export { LocalStackError, type LocalStackErrorCode } from '../errors.ts';
export { createStackControlClient } from './client.ts';
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
