/**
 * The caller chain of calls that leave: each attempt gets a link of its own, after the links of the call being served. A
 * call that begins here, at the edge, begins a chain.
 */
import { callbackify } from 'node:util';
import { currentCall } from '@countersign/authz';
import {
  CHAIN_CERTS_HEADER,
  CHAIN_HEADER,
  type ChainSigner,
  type EncodedChain,
  type VerifiedChain,
} from '@countersign/caller-chain';
import type { SpiffeId } from '@countersign/spiffe-tls';
import { currentCallRecord } from '@countersign/telemetry';
import { credentials, InterceptingCall, type Interceptor, Metadata } from '@grpc/grpc-js';

/** What a new link follows. */
export interface ChainContext {
  /** The chain of the call being served; absent: the new link is the first. */
  readonly after?: VerifiedChain;
  /** The transaction that a first link is of. */
  readonly txn?: string;
}

/** The headers that carry a chain, over HTTP and gRPC alike. */
export type ChainHeaders = Readonly<Record<typeof CHAIN_HEADER | typeof CHAIN_CERTS_HEADER, string>>;

/** What a link that is signed for the running code follows. */
export function currentChainContext(): ChainContext {
  const after = currentCall()?.chain;
  if (after !== undefined) return { after };
  const txn = currentCallRecord()?.txn;
  return txn === undefined ? {} : { txn };
}

/** Signs a link and gives the headers of its request. Rejects with a `CallerChainError` when it can't be signed: the call must not be sent. */
export async function signChainHeaders(
  signer: ChainSigner,
  audience: SpiffeId,
  act: string,
  context: ChainContext = currentChainContext(),
): Promise<ChainHeaders> {
  return toHeaders(await signer.sign({ audience, act, ...context }));
}

/**
 * The interceptor of a gRPC client. It signs in call credentials, because those are asked for each attempt, when there is a
 * connection for it: metadata that an interceptor adds is sent again, replayed, when grpc-js tries again.
 * @param audience SPIFFE ID that the channel demands of the server
 */
export function createGrpcChainInterceptor(signer: ChainSigner, audience: SpiffeId): Interceptor {
  return (options, nextCall) => {
    const act = options.method_definition.path;
    // Taken now: the generator runs in whatever context a connection became ready in.
    const context = currentChainContext();
    const link = credentials.createFromMetadataGenerator(
      callbackify(async (_target: unknown) => toMetadata(await signChainHeaders(signer, audience, act, context))),
    );
    return new InterceptingCall(
      nextCall({
        ...options,
        credentials: options.credentials === undefined ? link : options.credentials.compose(link),
      }),
    );
  };
}

function toHeaders({ chain, certs }: EncodedChain): ChainHeaders {
  return { [CHAIN_HEADER]: chain, [CHAIN_CERTS_HEADER]: certs };
}

function toMetadata(headers: ChainHeaders): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
