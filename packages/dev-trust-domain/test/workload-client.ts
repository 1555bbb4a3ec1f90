/**
 * The Workload API as a plain gRPC client sees it.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  type JWTSVIDResponse,
  SpiffeWorkloadAPIClient,
  type ValidateJWTSVIDResponse,
} from '@countersign/spiffe-tls/workload-api-proto';
import {
  type ClientReadableStream,
  ChannelCredentials as credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { DevTrustDomain } from '../src/index.ts';

/** A generated client on the socket of a workload, closed with the test. */
export function connect(context: TestContext, trustDomain: DevTrustDomain, name: string): SpiffeWorkloadAPIClient {
  const client = new SpiffeWorkloadAPIClient(trustDomain.socketOf(name), credentials.createInsecure());
  context.after(() => client.close());
  return client;
}

/** The security header, with these values. */
export function header(...values: string[]): Metadata {
  const metadata = new Metadata();
  for (const value of values) metadata.add('workload.spiffe.io', value);
  return metadata;
}

/** Takes messages one by one; a failure is thrown by `next`. */
export function reader<Message>(
  context: TestContext,
  stream: ClientReadableStream<Message>,
): { next(): Promise<Message>; ended(): Promise<ServiceError> } {
  stream.on('error', () => {});
  context.after(() => stream.cancel());
  const iterator = stream[Symbol.asyncIterator]();
  const next = async (): Promise<Message> => {
    const { done, value } = await iterator.next();
    assert.ok(!done, 'the stream ended');
    return value;
  };
  return {
    next,
    ended: () =>
      next().then(
        () => assert.fail('a message, not the end'),
        (error: ServiceError) => error,
      ),
  };
}

/** FetchJWTSVID; rejects with the status. */
export function fetchJwtSvid(
  client: SpiffeWorkloadAPIClient,
  audience: readonly string[],
  spiffeId = '',
): Promise<JWTSVIDResponse> {
  return new Promise((resolve, reject) => {
    client.fetchJwtsvid({ audience: [...audience], spiffeId }, header('true'), (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
  });
}

/** ValidateJWTSVID; rejects with the status. */
export function validateJwtSvid(
  client: SpiffeWorkloadAPIClient,
  svid: string,
  audience: string,
): Promise<ValidateJWTSVIDResponse> {
  return new Promise((resolve, reject) => {
    client.validateJwtsvid({ svid, audience }, header('true'), (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
  });
}
