/** The caller's own port of a connection, by which the log of the server that it called is found again. */
import diagnosticsChannel from 'node:diagnostics_channel';
import { VERIFIED_CHANNEL, type VerifiedRecord } from '@countersign/spiffe-tls';

/**
 * Makes one attempt and adds from which port it spoke. The library tells on its diagnostics channel of each connection it
 * verified: without a port in the result, no server with the right identity was there.
 */
export async function withLocalPort<T extends { readonly port?: number }>(attempt: () => Promise<T>): Promise<T> {
  let port: number | undefined;
  const onVerified = (message: unknown) => {
    const record = message as VerifiedRecord;
    if (record.role === 'client') port ??= record.local?.port;
  };
  diagnosticsChannel.subscribe(VERIFIED_CHANNEL, onVerified);
  try {
    const result = await attempt();
    return port === undefined ? result : { ...result, port };
  } finally {
    diagnosticsChannel.unsubscribe(VERIFIED_CHANNEL, onVerified);
  }
}
