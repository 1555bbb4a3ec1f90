/**
 * Runs inside a pod, as text on the command line of its own Node, with the libraries of its own image: calls services under
 * the identity that the agent gives this very pod. Keys stay in this process.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { CHAIN_CERTS_HEADER, CHAIN_HEADER, createChainSigner } from '@countersign/caller-chain';
import {
  authorizeId,
  connectSpiffeHttp2,
  createSpiffeHttpsAgent,
  createSpiffePgPool,
  createStaticX509Source,
  createWorkloadApiX509Source,
  parsePem,
  parseX509Svid,
  SpiffeId,
  VERIFIED_CHANNEL,
  type VerifiedRecord,
  type X509Source,
  type X509Svid,
} from '@countersign/spiffe-tls';
import type { Presenting, ProbeAnswer, ProbeRequest, ProbeSvid } from './probe-protocol.ts';

const TIMEOUT_MS = 5_000;
const source = createWorkloadApiX509Source({ endpoint: process.env['SPIFFE_ENDPOINT_SOCKET'] ?? '' });
let kept: X509Svid | undefined;
let port: number | undefined;

diagnosticsChannel.subscribe(VERIFIED_CHANNEL, (message: unknown) => {
  if (typeof message !== 'object' || message === null) return;
  const { role, local }: Partial<VerifiedRecord> = message;
  if (role === 'client') port ??= local?.port;
});

/** What was kept, with the bundles of now: so the server is who refuses. */
function sourceFor(presenting: Presenting): X509Source {
  if (presenting === 'current') return source;
  if (kept === undefined) throw new Error('nothing was kept');
  const { bundles } = source.current();
  return createStaticX509Source({ svid: kept, svids: [kept], bundles });
}

function describe({ leaf, id }: X509Svid): ProbeSvid {
  return {
    spiffeId: id.toString(),
    serial: leaf.serialNumber,
    subject: leaf.x509.subject,
    dnsNames: leaf.dnsSans,
    notAfterMs: leaf.notAfterMs,
  };
}

type Of<What extends ProbeRequest['what']> = Extract<ProbeRequest, { readonly what: What }>;

async function overHttps({ address, serverId, path, presenting }: Of<'https'>): Promise<ProbeAnswer> {
  const own = sourceFor(presenting);
  const server = SpiffeId.parse(serverId);
  const agent = createSpiffeHttpsAgent({ source: own, authorize: authorizeId(server) });
  const link = { audience: server, act: `GET ${path.split('?')[0]}` };
  const { chain, certs } = await createChainSigner({ source: own }).sign(link);
  const headers = { [CHAIN_HEADER]: chain, [CHAIN_CERTS_HEADER]: certs };
  try {
    return await new Promise((resolve, reject) => {
      const sent = request(`https://${address}${path}`, { agent, headers, timeout: TIMEOUT_MS }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: String(response.statusCode), text })).on('error', reject);
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.on('error', reject).end();
    });
  } finally {
    agent.destroy();
  }
}

async function overGrpc({ address, serverId, method, presenting }: Of<'grpc'>): Promise<ProbeAnswer> {
  const session = await connectSpiffeHttp2({
    source: sourceFor(presenting),
    authorize: authorizeId(SpiffeId.parse(serverId)),
    authority: `https://${address}`,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  try {
    return await new Promise((resolve, reject) => {
      const headers = { ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' };
      const stream = session.request(headers);
      const answer = (fields: object) => {
        const { 'grpc-status': status, 'grpc-message': text } = {
          'grpc-status': undefined,
          'grpc-message': '',
          ...fields,
        };
        if (status !== undefined) resolve({ status: String(status), text: String(text) });
      };
      stream.on('response', answer).on('trailers', answer).on('error', reject).resume();
      session.on('error', reject);
      session.on('close', () => reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' })));
      // No compression, no bytes.
      stream.end(Buffer.alloc(5));
    });
  } finally {
    session.destroy();
  }
}

async function inPostgres(login: Of<'postgres'>): Promise<ProbeAnswer> {
  // In db-client's image alone.
  const { default: pg } = await import('pg');
  const [host, at] = login.address.split(':');
  const pool = createSpiffePgPool({
    source: sourceFor(login.presenting),
    authorize: authorizeId(SpiffeId.parse(login.serverId)),
    Pool: pg.Pool,
    pool: { host, port: Number(at), user: login.user, database: login.database, connectionTimeoutMillis: TIMEOUT_MS },
  });
  pool.on('error', () => {});
  try {
    const { rows } = await pool.query(login.sql, [...login.values]);
    return { status: 'OK', text: '', rows };
  } finally {
    await pool.end();
  }
}

function parse({ certificates, key }: Of<'take'>): X509Svid {
  const chainDer = Buffer.concat(parsePem(certificates).map(({ der }) => der));
  const [keyBlock] = parsePem(key);
  if (keyBlock === undefined) throw new Error('there is no key');
  return parseX509Svid({ chainDer, keyDer: keyBlock.der });
}

async function perform(asked: ProbeRequest): Promise<ProbeAnswer> {
  const now = await source.ready();
  if (asked.what === 'https') return await overHttps(asked);
  if (asked.what === 'grpc') return await overGrpc(asked);
  if (asked.what === 'postgres') return await inPostgres(asked);
  if (asked.what === 'keep') kept = now.svid;
  if (asked.what === 'take') kept = parse(asked);
  return { status: 'OK', text: '', svid: describe(asked.what === 'identity' ? now.svid : (kept ?? now.svid)) };
}

function failed(error: unknown): ProbeAnswer {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'FAILED';
  return { status: code, text: error instanceof Error ? error.message : String(error) };
}

for await (const line of createInterface({ input: process.stdin })) {
  port = undefined;
  const answer = await perform(JSON.parse(line)).catch(failed);
  process.stdout.write(`${JSON.stringify({ ...answer, ...(port === undefined ? {} : { port }) })}\n`);
}
source.close();
