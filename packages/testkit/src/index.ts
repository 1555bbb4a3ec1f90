/**
 * What tests share: a CA that can break its own rules, keys, DER to write by hand.
 */

export { nearBytes, nearSpiffeId, nearText } from './arbitraries.ts';
export {
  BAD_CERTIFICATE_ID,
  type BadCertificate,
  type BadCertificateWorld,
  type BadPresentation,
  createBadCertificateWorld,
  present,
  presentLeaf,
} from './bad-certificate.ts';
export { badChains } from './bad-chains.ts';
export { badLeaves } from './bad-leaves.ts';
export {
  type CertificateRewrite,
  contentOf,
  elementsOf,
  extension,
  oid,
  rewriteCertificate,
  sequence,
  tlv,
} from './der-writer.ts';
export { createManualClock, type ManualClock } from './manual-clock.ts';
export { propertyRuns } from './property-runs.ts';
export { createTestCa, type IssuedSvid, type IssueOptions, type TestCa, type TestCaOptions } from './test-ca.ts';
export {
  createTestCertificate,
  ExtensionId,
  KeyPurpose,
  KeyUsageFlags,
  type TestCertificateOptions,
  type TestIssuer,
  type TestNameConstraints,
} from './test-certificate.ts';
export { createTestKeys, type TestHash, type TestKeys, type TestKeyType } from './test-keys.ts';
