/**
 * A call of the partner's workload to one of ours, over HTTPS as any caller makes it, and what became of it: what the caller
 * saw, and why, by the server's own record.
 */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { authorizeId, createSpiffeHttpsAgent, SpiffeId, type X509Source } from '@countersign/spiffe-tls';
import { messageOf, systemErrorCode } from '../errors.ts';
import { withLocalPort } from '../local-port.ts';
import type { LogRecord } from '../part.ts';
import type { PartnerCallResult } from './stack-control.ts';

/** Whom it calls. */
export interface PartnerCallTarget {
  /** Name of the workload, for people. */
  readonly workload: string;
  /** `host:port` of its HTTPS listener. */
  readonly address: string;
  readonly spiffeId: string;
  /** What it wrote when it refused the connection from this port. */
  refusalFrom(port: number): Promise<LogRecord>;
}

/** What the caller saw. */
interface Seen {
  readonly wire: string;
  readonly status?: number;
  /** Its end of the connection, once it had verified the server. */
  readonly port?: number;
}

const timeoutMs = 5_000;
const maxAnswerBytes = 64 * 1024;
const greeting = '/hello';

/** `GET /hello` as the partner's workload; it verifies whom it calls, as everybody does. */
export async function callAsPartner(source: X509Source, target: PartnerCallTarget): Promise<PartnerCallResult> {
  const partner = source.current().svid.id;
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(SpiffeId.parse(target.spiffeId)) });
  try {
    const seen = await withLocalPort(() => get(agent, `https://${target.address}${greeting}`));
    const { wire, status } = seen;
    return { served: status === 200, wire, meaning: await meaningOf(seen, target, partner) };
  } finally {
    agent.destroy();
  }
}

function get(agent: ReturnType<typeof createSpiffeHttpsAgent>, url: string): Promise<Seen> {
  return new Promise((resolve) => {
    const ended = (error: unknown) => resolve({ wire: howItEnded(error) });
    const outgoing = request(url, { agent, timeout: timeoutMs });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', ended);
    outgoing.on('response', (response) => void read(response).then(resolve, ended));
    outgoing.end();
  });
}

async function read(response: IncomingMessage): Promise<Seen> {
  const { statusCode: status = 0 } = response;
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > maxAnswerBytes) throw new Error('the answer is too large');
  }
  const code = status === 200 ? undefined : /"code":"([A-Z_]{1,60})"/.exec(text)?.[1];
  return { status, wire: ['HTTP', status, code].filter((part) => part !== undefined).join(' ') };
}

/** In TLS 1.3 a refused client sees its connection end, and nothing else: the reason is the server's to know. */
function howItEnded(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === undefined) return messageOf(error).slice(0, 80);
  return ['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code) ? 'closed' : code;
}

async function meaningOf(seen: Seen, target: PartnerCallTarget, partner: SpiffeId): Promise<string> {
  const { workload } = target;
  const trustDomain = partner.trustDomain.name;
  if (seen.status === 200)
    return `Allowed: ${workload} believes the certificate, since it has the bundle of ${trustDomain}, and a grant names ${partner}.`;
  if (seen.status === 403)
    return `Believed, not allowed: a grant names ${partner}, but none is for GET ${greeting}; the policy refused the request.`;
  if (seen.status !== undefined) return `Believed and let in, and yet not served: ${seen.wire}.`;
  switch (await codeOf(seen, target)) {
    case 'NO_BUNDLE':
      return `Not believed: ${workload} has no bundle of ${trustDomain}, so nobody vouches for the certificate, and the handshake was refused.`;
    case 'PEER_NOT_AUTHORIZED':
      return `Believed, not allowed: ${workload} has the bundle of ${trustDomain}, but no grant names ${partner}, so the handshake was refused. The list of peers follows the grants: one for it in the policy lets it in.`;
    case undefined:
      return `The call did not reach ${workload} (${seen.wire}), or ${workload} wrote no reason.`;
    default:
      return `Not believed: ${workload} refused the certificate itself.`;
  }
}

/** The reason is in the record of who refused, found by the caller's port. */
async function codeOf({ port }: Seen, { refusalFrom }: PartnerCallTarget): Promise<unknown> {
  if (port === undefined) return undefined;
  const record = await refusalFrom(port).catch(() => undefined);
  return record?.['code'];
}
