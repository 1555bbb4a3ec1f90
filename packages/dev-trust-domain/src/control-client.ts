/**
 * The client of the control socket: the same operations as in process, for the command line, tests and the console.
 */
import { request } from 'node:http';
import { join } from 'node:path';
import type { CallFilter, CallRecord } from './calls.ts';
import type {
  CloseStreamsOptions,
  RegistrationRequest,
  RotateAuthorityOptions,
  TrustDomainControl,
} from './control.ts';
import { DevTrustDomainError, type DevTrustDomainErrorCode } from './errors.ts';
import type {
  CaRotationResult,
  FederationStatus,
  JwtRotationResult,
  TrustDomainStatus,
  WorkloadStatus,
} from './status.ts';

/** The state directory that `npm start` uses. */
export const DEFAULT_STATE_DIRECTORY = '.countersign';

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** On top of what a CA rotation waits by itself. */
const TIMEOUT_MS = 30_000;

/** Where a trust domain that keeps its sockets in `<stateDirectory>/run` listens for control. */
export function controlSocketOf(stateDirectory: string): string {
  return join(stateDirectory, 'run', 'control', 'control.sock');
}

/**
 * Talks to a running trust domain. Each call is a connection of its own, so there is nothing to close.
 * A call fails with the trust domain's own {@link DevTrustDomainError}, or with `NOT_RUNNING` when nothing answers.
 */
export function createControlClient(socketPath: string): TrustDomainControl {
  // The server is of this repository and this version, so its answers are taken at their word.
  const call = async <Result>(method: string, path: string, body?: object, waitMs = 0) =>
    (await send(socketPath, {
      method,
      path,
      body: body === undefined ? '' : JSON.stringify(body),
      timeoutMs: TIMEOUT_MS + waitMs,
    })) as Result;
  return {
    status: () => call<TrustDomainStatus>('GET', '/v1/status'),
    rotate: (name) => call<WorkloadStatus[]>('POST', '/v1/rotate', { name }),
    rotateCa: (options: RotateAuthorityOptions = {}) =>
      call<CaRotationResult>('POST', '/v1/rotate-ca', options, options.settleMs),
    rotateJwt: (options: RotateAuthorityOptions = {}) =>
      call<JwtRotationResult>('POST', '/v1/rotate-jwt', options, options.settleMs),
    bundleDocument: () => call<string>('GET', '/v1/bundle'),
    federate: async (trustDomain, bundle) => void (await call('POST', '/v1/federate', { trustDomain, bundle })),
    federateByEndpoint: (request) => call<FederationStatus>('POST', '/v1/federate-by-endpoint', request),
    unfederate: async (trustDomain) => void (await call('POST', '/v1/unfederate', { trustDomain })),
    injectFault: async ({ response, ...fault }) => {
      const bytes = response === undefined ? {} : { responseBase64: Buffer.from(response).toString('base64') };
      await call('POST', '/v1/fault', { ...fault, ...bytes });
    },
    clearFaults: async () => void (await call('POST', '/v1/clear-faults')),
    closeStreams: (options: CloseStreamsOptions = {}) => call<number>('POST', '/v1/close-streams', options),
    calls: (filter: CallFilter = {}) => call<CallRecord[]>('POST', '/v1/calls', filter),
    register: (registration: RegistrationRequest) => call<WorkloadStatus>('POST', '/v1/register', registration),
    unregister: (name, spiffeId) => call<WorkloadStatus>('POST', '/v1/unregister', { name, spiffeId }),
  };
}

interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly timeoutMs: number;
}

function send(socketPath: string, { method, path, body, timeoutMs }: Outgoing): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ socketPath, method, path, agent: false, headers, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) outgoing.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', (cause) => reject(notRunning(socketPath, cause)));
      response.on('end', () => {
        try {
          resolve(readAnswer(response.statusCode, Buffer.concat(chunks).toString('utf8')));
        } catch (cause) {
          reject(cause);
        }
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', (cause) => reject(notRunning(socketPath, cause)));
    outgoing.end(body);
  });
}

function readAnswer(status: number | undefined, text: string): unknown {
  const answer: unknown = JSON.parse(text);
  if (status === 200) return answer;
  const { error } = answer as { error?: { code?: DevTrustDomainErrorCode; message?: string } };
  throw new DevTrustDomainError(
    error?.code ?? 'CONTROL_REQUEST',
    error?.message ?? `control: answered with status ${status}`,
  );
}

function notRunning(socketPath: string, cause: Error): DevTrustDomainError {
  return new DevTrustDomainError(
    'NOT_RUNNING',
    `no development trust domain answers on ${socketPath}: ${cause.message}`,
    cause,
  );
}
