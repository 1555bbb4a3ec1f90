/** Who this process and its peers are, in the form that logs and spans use. */
import { type Peer, peerOf, type X509Source } from '@countersign/spiffe-tls';
import type { Party } from '@countersign/telemetry';

/** This process's identity at the moment; `undefined` while it has none. */
export function selfOf(source: X509Source): Party | undefined {
  try {
    const { svid } = source.current();
    return { id: svid.id.toString(), serial: svid.leaf.serialNumber };
  } catch {
    return undefined;
  }
}

/** The verified peer of a request or call. */
export function partyOf(carrier: Parameters<typeof peerOf>[0]): Party | undefined {
  return toParty(peerOf(carrier));
}

function toParty(peer: Peer | undefined): Party | undefined {
  return peer === undefined ? undefined : { id: peer.id.toString(), serial: peer.serialNumber };
}
