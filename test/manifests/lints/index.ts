/** All lints of a rendered system, and those that any manifest can be asked. */
import type { Lint } from '../world.ts';
import { envIsText, envOnce, imagePinned, readinessProbed, resourcesBounded } from './containers.ts';
import { edgeClosed, edgeMatrix, edgeOutward, edgeUpstream } from './edge-matrix.ts';
import { envoySan } from './envoy.ts';
import {
  chartIdentitiesOff,
  classNamed,
  identityForEach,
  identityMatrix,
  identityNeedsServiceAccount,
  noFallbackIdentity,
} from './identity-matrix.ts';
import { expectedServerId, knownIdentity, pgIdent, policyPrincipal } from './identity-uses.ts';
import { namespaceDeclared, namespaceRestricted } from './namespaces.ts';
import { noServiceAccountToken, podSecurity, readOnlyRoot } from './pod-security.ts';
import {
  disruptionBudget,
  portNameValid,
  probePortExists,
  selectorMatchesTemplate,
  serviceSelectsPods,
} from './ports.ts';
import { configExists, governingServiceExists, serviceAccountExists, volumesExist } from './references.ts';

/** Of pods and what they refer to. */
export const OBJECT_LINTS: readonly Lint[] = [
  podSecurity,
  readOnlyRoot,
  noServiceAccountToken,
  namespaceRestricted,
  namespaceDeclared,
  volumesExist,
  configExists,
  serviceAccountExists,
  governingServiceExists,
  probePortExists,
  portNameValid,
  serviceSelectsPods,
  selectorMatchesTemplate,
  disruptionBudget,
  imagePinned,
  envIsText,
  envOnce,
  resourcesBounded,
  readinessProbed,
];

/** Of who is who, and who may reach whom. */
export const SYSTEM_LINTS: readonly Lint[] = [
  identityForEach,
  identityMatrix,
  identityNeedsServiceAccount,
  noFallbackIdentity,
  chartIdentitiesOff,
  classNamed,
  expectedServerId,
  envoySan,
  knownIdentity,
  policyPrincipal,
  pgIdent,
  edgeMatrix,
  edgeClosed,
  edgeOutward,
  edgeUpstream,
];

/** Of what runs in somebody else's cluster: its namespace, policies of the network and identities are not ours to judge. */
export const EXAMPLE_LINTS: readonly Lint[] = OBJECT_LINTS.filter(
  (lint) => ![namespaceDeclared, disruptionBudget].includes(lint),
);
