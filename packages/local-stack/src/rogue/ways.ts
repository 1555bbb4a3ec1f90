/**
 * The ways in, each tried once with a given identity: through the same libraries as the services use, so that what is
 * refused is the identity and not the attempt's form.
 */

import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { errorInfoOf } from '@countersign/authz';
import { CreateOrderRequest, OrderServiceClient } from '@countersign/contracts';
import {
  authorizeId,
  createSpiffeGrpcChannel,
  createSpiffeHttpsAgent,
  SpiffeId,
  type X509Source,
} from '@countersign/spiffe-tls';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import pg from 'pg';
import { messageOf, systemErrorCode } from '../errors.ts';
import { withLocalPort } from '../local-port.ts';

/** What the intruder saw of one attempt. */
export interface Observation {
  /** In one line. */
  readonly saw: string;
  /** It got an answer that only somebody who was let in gets. */
  readonly letIn: boolean;
  /** The port of its end of the connection: the refusing service's record names it too. */
  readonly port?: number;
  /** From an answer that refuses. */
  readonly decisionId?: string;
}

/** A service and who must be there. */
export interface Target {
  /** `host:port` */
  readonly address: string;
  readonly spiffeId: string;
}

/** Sent along where somebody hopes that a header is believed. */
export const forgedHeaders = (spiffeId: string): Record<string, string> => ({
  'x-spiffe-id': spiffeId,
  'x-forwarded-client-cert': `By=${spiffeId};URI=${spiffeId}`,
  'x-forwarded-user': spiffeId,
  'x-caller-id': spiffeId,
});

/** What would be written if somebody were let in. */
const order = { item: 'contraband', quantity: 1, customer: 'nobody' };
const timeoutMs = 5_000;

/** `POST /orders` over HTTPS. */
export async function tryHttps(
  source: X509Source,
  target: Target,
  headers: Record<string, string> = {},
): Promise<Observation> {
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(SpiffeId.parse(target.spiffeId)) });
  try {
    return await withLocalPort(() => postOrder(target, { agent, headers }));
  } finally {
    agent.destroy();
  }
}

/** `CreateOrder` over gRPC. */
export async function tryGrpc(
  source: X509Source,
  target: Target,
  headers: Record<string, string> = {},
): Promise<Observation> {
  const channel = createSpiffeGrpcChannel({
    source,
    authorize: authorizeId(SpiffeId.parse(target.spiffeId)),
    address: target.address,
  });
  const client = new OrderServiceClient(target.address, credentials.createInsecure(), { channelOverride: channel });
  const metadata = Metadata.fromHttp2Headers(headers);
  try {
    return await withLocalPort(() => createOrder(client, metadata));
  } finally {
    client.close();
  }
}

/** Logs in to PostgreSQL as a role. */
export async function tryPostgres(
  source: X509Source,
  address: string,
  login: { user: string; database: string },
): Promise<Observation> {
  const [host = '', port = ''] = address.split(':');
  const { svid } = source.current();
  const own = { cert: svid.certificatePem, key: svid.privateKeyPem() };
  let localPort = 0;
  const client = new pg.Client({
    host,
    port: Number(port),
    ...login,
    ssl: { ...trusting(source), ...own },
    sslnegotiation: 'direct',
    connectionTimeoutMillis: timeoutMs,
  });
  client.on('error', () => {});
  try {
    const connecting = client.connect();
    const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection;
    stream.once('connect', () => {
      localPort = stream.localPort ?? 0;
    });
    await connecting;
    return { saw: `logged in as ${login.user}`, letIn: true, port: localPort };
  } catch (error) {
    return { saw: `${systemErrorCode(error) ?? ''} ${messageOf(error)}`.trim(), letIn: false, port: localPort };
  } finally {
    await client.end().catch(() => {});
  }
}

/** `POST /orders` over TLS without a client certificate. */
export async function tryHttpsWithoutCertificate(source: X509Source, target: Target): Promise<Observation> {
  const socket = await connectWithoutCertificate(source, target, 'http/1.1');
  const port = socket.localPort ?? 0;
  return { port, ...(await postOrder(target, { createConnection: () => socket })) };
}

/** `CreateOrder` as a raw HTTP/2 request over TLS without a client certificate. */
export async function tryGrpcWithoutCertificate(source: X509Source, target: Target): Promise<Observation> {
  const socket = await connectWithoutCertificate(source, target, 'h2');
  const port = socket.localPort ?? 0;
  return { port, ...(await createOrderRaw(socket, target)) };
}

function connectWithoutCertificate(source: X509Source, target: Target, protocol: string): Promise<TLSSocket> {
  const [host = '', port = ''] = target.address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port: Number(port), ALPNProtocols: [protocol], ...trusting(source) }, () =>
      resolve(socket),
    );
    socket.on('error', reject);
  });
}

/** Speaks to whoever the trust domain's CA vouches for: it is the service that shall check here, not the intruder. */
function trusting(source: X509Source) {
  const { svid, bundles } = source.current();
  return {
    ca: bundles.get(svid.id.trustDomain)?.toPem() ?? '',
    minVersion: 'TLSv1.3' as const,
    checkServerIdentity: () => undefined,
  };
}

interface HttpsOptions {
  readonly agent?: ReturnType<typeof createSpiffeHttpsAgent>;
  readonly createConnection?: () => TLSSocket;
  readonly headers?: Record<string, string>;
}

function postOrder(target: Target, { headers = {}, ...options }: HttpsOptions): Promise<Observation> {
  const body = JSON.stringify(order);
  return new Promise((resolve) => {
    const request = httpsRequest(`https://${target.address}/orders`, {
      ...options,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
      timeout: timeoutMs,
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    const closed = (error: Error) => resolve({ saw: describeClosed(error), letIn: false });
    request.on('error', closed);
    request.on('response', (response) => void observeAnswer(response).then(resolve, closed));
    request.end(body);
  });
}

async function observeAnswer(response: IncomingMessage): Promise<Observation> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const { code = '', decision_id: decisionId } = parseProblem(text);
  const statusCode = response.statusCode ?? 0;
  return {
    saw: `HTTP ${statusCode} ${code}`.trim(),
    letIn: statusCode < 400,
    ...(decisionId === undefined ? {} : { decisionId }),
  };
}

function createOrder(client: OrderServiceClient, metadata: Metadata): Promise<Observation> {
  return new Promise((resolve) => {
    client.createOrder(CreateOrderRequest.create(order), metadata, { deadline: Date.now() + timeoutMs }, (error) => {
      if (error === null) return resolve({ saw: 'gRPC OK', letIn: true });
      const info = errorInfoOf(error);
      const decisionId = info?.metadata['decision_id'];
      resolve({
        saw: `gRPC ${describeStatus(error)}${info === undefined ? '' : ` ${info.reason}`}`,
        letIn: false,
        ...(decisionId === undefined ? {} : { decisionId }),
      });
    });
  });
}

function describeStatus(error: ServiceError): string {
  const name = status[error.code] ?? String(error.code);
  // The details of UNAVAILABLE say how the connection ended; those of a refusal are told by its reason.
  return error.code === status.UNAVAILABLE ? `${name}: ${error.details.split('.')[0]}` : name;
}

function createOrderRaw(socket: TLSSocket, target: Target): Promise<Observation> {
  return new Promise((resolve) => {
    const session = connectHttp2(`https://${target.address}`, { createConnection: () => socket });
    const end = (observation: Observation) => {
      session.destroy();
      resolve(observation);
    };
    session.on('error', (error) => end({ saw: describeClosed(error), letIn: false }));
    session.on('close', () => end({ saw: 'connection closed', letIn: false }));
    const call = session.request({
      ':method': 'POST',
      ':path': '/countersign.orders.v1.OrderService/CreateOrder',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    call.on('error', (error) => end({ saw: describeClosed(error), letIn: false }));
    call.on('response', (headers) => end({ saw: `gRPC answer, HTTP ${headers[':status']}`, letIn: true }));
    // An empty message: no compression, no bytes.
    call.end(Buffer.alloc(5));
    session.setTimeout(timeoutMs, () => end({ saw: 'no answer', letIn: false }));
  });
}

function describeClosed(error: Error): string {
  const code = systemErrorCode(error);
  const closed = code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
  return closed ? `connection closed (${code})` : `${code ?? error.name}: ${error.message.slice(0, 80)}`;
}

function parseProblem(text: string): { code?: string; decision_id?: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    const { code, decision_id } = value as Record<string, unknown>;
    return { ...(typeof code === 'string' && { code }), ...(typeof decision_id === 'string' && { decision_id }) };
  } catch {
    return {};
  }
}
