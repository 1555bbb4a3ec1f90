/** Caller chains as an attacker handles them: taken from a request, signed under an identity that was got hold of, presented again. */
import {
  CHAIN_CERTS_HEADER,
  CHAIN_HEADER,
  chainIn,
  createChainSigner,
  type EncodedChain,
} from '@countersign/caller-chain';
import { SpiffeId, type X509Source } from '@countersign/spiffe-tls';
import { parseObject } from './calls.ts';

/** The headers that carry a chain. */
export function chainHeaders({ chain, certs }: EncodedChain): Record<string, string> {
  return { [CHAIN_HEADER]: chain, [CHAIN_CERTS_HEADER]: certs };
}

/** A chain of one link, signed as whoever the source says. */
export async function signChain(
  source: X509Source,
  call: { readonly audience: string; readonly act: string; readonly lifeMs?: number },
): Promise<EncodedChain> {
  const signer = createChainSigner({ source, ...(call.lifeMs === undefined ? {} : { lifeMs: call.lifeMs }) });
  return await signer.sign({ audience: SpiffeId.parse(call.audience), act: call.act });
}

/** The chain among the headers of a request. */
export function chainOf(headers: Readonly<Record<string, unknown>>): EncodedChain | undefined {
  return chainIn((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [value] : [];
  });
}

/** What is written in the last link, unverified: for the report. */
export function claimsOf({ chain }: EncodedChain): Readonly<Record<string, unknown>> {
  const payload = chain.split(',').at(-1)?.split('.')[1] ?? '';
  return parseObject(Buffer.from(payload, 'base64url').toString('utf8'));
}
