/**
 * Messages of the Workload API, made of what the test CA issues.
 */
import type { IssuedSvid, TestCa } from '@countersign/testkit';
import { X509SVID, X509SVIDResponse } from '../src/gen/workload.ts';

/** The entry of one SVID. `changes` breaks it. */
export function svidEntry(ca: TestCa, issued: IssuedSvid, changes: Partial<X509SVID> = {}): X509SVID {
  return X509SVID.fromPartial({
    spiffeId: issued.svid().id.toString(),
    x509Svid: Buffer.from(issued.chainDer),
    x509SvidKey: Buffer.from(issued.keyDer),
    bundle: Buffer.from(ca.der),
    ...changes,
  });
}

/** A complete message. */
export function svidMessage(...svids: X509SVID[]): X509SVIDResponse {
  return X509SVIDResponse.fromPartial({ svids });
}
