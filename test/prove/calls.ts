/**
 * Calls to a service under an identity of the caller's choice, on a connection of their own: what came back, and from which
 * port, by which the service's log is found again.
 */
import type { IncomingMessage } from 'node:http';
import { type Agent, request as httpsRequest } from 'node:https';
import { errorInfoOf } from '@countersign/authz';
import { HelloServiceClient, OrderServiceClient } from '@countersign/contracts';
import { withLocalPort } from '@countersign/local-stack';
import {
  authorizeId,
  createSpiffeGrpcChannel,
  createSpiffeHttpsAgent,
  SpiffeId,
  type X509Source,
} from '@countersign/spiffe-tls';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';

/** A service and who must be there. */
export interface Target {
  /** `host:port` */
  readonly address: string;
  readonly spiffeId: string;
}

/** What the caller saw. */
export interface Answer {
  /** HTTP status, gRPC status by name, or how the connection ended. */
  readonly status: number | string;
  /** From an answer that refuses. */
  readonly code?: string;
  readonly decisionId?: string;
  readonly text: string;
  /** The caller's end of the connection, once it was verified. */
  readonly port?: number;
}

/** A request over HTTPS. */
export interface HttpCall {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

const TIMEOUT_MS = 5_000;

/** Calls by HTTPS as whoever the source says. */
export async function callHttps(source: X509Source, target: Target, call: HttpCall): Promise<Answer> {
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(SpiffeId.parse(target.spiffeId)) });
  try {
    return await withLocalPort(() => sendHttps(agent, target.address, call));
  } finally {
    agent.destroy();
  }
}

/** Sends a request through an agent of any kind. */
export function sendHttps(agent: Agent, address: string, { path, method, headers, body }: HttpCall): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve) => {
    const ended = (error: Error) => resolve({ status: howItEnded(error), text: error.message });
    const request = httpsRequest(`https://${address}${path}`, {
      agent,
      method: method ?? (payload === undefined ? 'GET' : 'POST'),
      headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      timeout: TIMEOUT_MS,
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', ended);
    request.on('response', (response) => void readAnswer(response).then(resolve, ended));
    request.end(payload);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  const { code, decision_id: decisionId } = parseObject(text);
  return {
    status: response.statusCode ?? 0,
    text,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof decisionId === 'string' ? { decisionId } : {}),
  };
}

/** A gRPC method to call with a caller's metadata. */
export type GrpcMethod = 'SayHello' | 'GetOrder' | 'CreateOrder';

/** Calls by gRPC as whoever the source says. */
export async function callGrpc(
  source: X509Source,
  target: Target,
  call: { readonly method: GrpcMethod; readonly request?: object; readonly headers?: Readonly<Record<string, string>> },
): Promise<Answer> {
  const channel = createSpiffeGrpcChannel({
    source,
    authorize: authorizeId(SpiffeId.parse(target.spiffeId)),
    address: target.address,
  });
  try {
    return await withLocalPort(() => sendGrpc(channel, target.address, call));
  } finally {
    channel.close();
  }
}

function sendGrpc(
  channelOverride: ReturnType<typeof createSpiffeGrpcChannel>,
  address: string,
  { method, request = {}, headers = {} }: Parameters<typeof callGrpc>[2],
): Promise<Answer> {
  const metadata = Metadata.fromHttp2Headers({ ...headers });
  const options = { deadline: Date.now() + TIMEOUT_MS };
  const insecure = credentials.createInsecure();
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, response?: object) => resolve(grpcAnswer(error, response));
    if (method === 'SayHello') {
      new HelloServiceClient(address, insecure, { channelOverride }).sayHello({}, metadata, options, done);
      return;
    }
    const orders = new OrderServiceClient(address, insecure, { channelOverride });
    const order = { item: 'tea', quantity: 1, customer: 'nobody', idempotencyKey: '', ...request };
    if (method === 'GetOrder') orders.getOrder({ id: '', ...request }, metadata, options, done);
    else orders.createOrder(order, metadata, options, done);
  });
}

function grpcAnswer(error: ServiceError | null, response?: object): Answer {
  if (error === null) return { status: 'OK', text: JSON.stringify(response) };
  const info = errorInfoOf(error);
  const decisionId = info?.metadata['decision_id'];
  return {
    status: status[error.code] ?? String(error.code),
    text: error.details,
    ...(info === undefined ? {} : { code: info.reason }),
    ...(decisionId === undefined ? {} : { decisionId }),
  };
}

/** In TLS 1.3 a refused client sees its connection end, and nothing else: the reason is the server's to know. */
export function howItEnded(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined) return error.message.slice(0, 80);
  return ['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code) ? 'connection closed' : code;
}

/** The members of a JSON object, or of nothing. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
