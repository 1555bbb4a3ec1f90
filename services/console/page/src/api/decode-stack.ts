/** Decoders of what the system's control says: session, workloads, identities. */

import type {
  AbilityState,
  CertificateText,
  FederationState,
  StackDescription,
  StackWorkload,
} from '@countersign/local-stack/control';
import type { CertificateView, IdentityResult, PartnerCallResult, Session } from '../../../src/wire/actions.ts';
import { type Decoder, flag, list, object, oneOf, optional, text, toRecord } from './decode.ts';

const stackWorkload = object<StackWorkload>({ name: text, spiffeId: text, runs: flag, registered: flag });

const federationState = object<FederationState>({ federated: flag, partner: text, partnerId: text, workload: text });

const abilityState: Decoder<AbilityState> = (value, at) => {
  const { there, why } = toRecord(value, at);
  return flag(there, `${at}/there`) ? { there: true } : { there: false, why: text(why, `${at}/why`) };
};

const stackDescription = object<StackDescription>({
  provider: oneOf('embedded', 'spire'),
  trustDomain: text,
  customerUrl: text,
  workloads: list(stackWorkload),
  federation: federationState,
  abilities: object<StackDescription['abilities']>({
    identity: abilityState,
    federation: abilityState,
    attacks: abilityState,
    policy: abilityState,
  }),
});

/** `GET /api/session`. */
export const session = object<Session>({
  token: text,
  version: text,
  stack: optional(stackDescription),
  customerUrl: optional(text),
  traceLinks: flag,
});

/** `POST /api/identity/*`. */
export const identityResult = object<IdentityResult>({
  done: text,
  workloads: list(stackWorkload),
  federation: federationState,
});

/** `POST /api/identity/partner-call`. */
export const partnerCallResult = object<PartnerCallResult>({ served: flag, wire: text, meaning: text });

const certificateText = object<CertificateText>({
  subject: text,
  issuer: text,
  serial: text,
  notBefore: text,
  notAfter: text,
  uriSans: list(text),
  dnsSans: list(text),
  keyUsage: list(text),
  extendedKeyUsage: list(text),
  ca: flag,
  key: text,
  signatureAlgorithm: text,
  sha256Fingerprint: text,
  pem: text,
});

/** `GET /api/workloads/{name}/certificate`. */
export const certificateView = object<CertificateView>({
  workload: text,
  spiffeId: text,
  chain: list(certificateText),
  bundles: list(object<CertificateView['bundles'][number]>({ trustDomain: text, authorities: list(certificateText) })),
  jwtKeys: list(
    object<CertificateView['jwtKeys'][number]>({ trustDomain: text, kid: text, kind: text, sha256Fingerprint: text }),
  ),
});
