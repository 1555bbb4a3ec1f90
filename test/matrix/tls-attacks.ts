/**
 * Attacks on the connection itself, once for each listener.
 */
import { contentOf, elementsOf } from '@countersign/testkit';
import type { Cell } from './cells.ts';
import { handshakeRefusal } from './expectations.ts';
import type { Expected, Seen } from './outcome.ts';
import { callerOf, permittedAt, WAYS, type Way } from './table.ts';
import { logIn } from './wire-postgres.ts';
import { HandshakeError, isClosed, type Material, openTcp, openTls, readToEnd } from './wire-tls.ts';
import type { World } from './world.ts';

/** Name and meaning of each. */
export const TLS_ATTACKS: readonly (readonly [name: string, what: string])[] = [
  ['plaintext', 'the protocol without TLS'],
  ['TLS 1.2', 'an older version, the only ones with renegotiation'],
  ['other protocol', 'TLS without the application protocol that is served'],
  ['no protocol', 'TLS without naming an application protocol at all'],
  ['resumed session', "a permitted caller's session, offered without its certificate"],
  ['early data', 'data before the handshake: not offered'],
  ['renegotiation', 'a new handshake inside the connection: not offered'],
];

/** The first way of each listener stands for it. */
function listeners(): Way[] {
  const seen = new Set<string>();
  return WAYS.filter(({ server, transport }) => {
    const listener = `${server} ${transport}`;
    if (seen.has(listener)) return false;
    seen.add(listener);
    return true;
  });
}

/** All cells. */
export function tlsAttackCells(): Cell[] {
  return listeners().flatMap((way) => [
    cell(way, 'plaintext', 'none', plaintextOutcome(way), (world) => plaintext(world, way)),
    cell(way, 'TLS 1.2', undefined, versionOutcome(way), (world) => oldVersion(world, way)),
    ...(way.transport === 'grpc' ? [otherProtocol(way), noProtocol(way)] : []),
    cell(way, 'resumed session', 'none', resumedOutcome(way), (world) => resumed(world, way)),
    cell(way, 'early data', undefined, notOffered('no early data: the session allows 0 bytes'), (world) =>
      earlyData(world, way),
    ),
    cell(way, 'renegotiation', undefined, notOffered('ERR_SSL_WRONG_SSL_VERSION'), (world) =>
      renegotiation(world, way),
    ),
  ]);
}

function cell(
  way: Way,
  attack: string,
  caller: string | undefined,
  expected: Expected,
  run: (world: World) => Promise<Seen>,
): Cell {
  return { caller: caller ?? permittedAt(way.server), way, attack, expected, run };
}

function notOffered(wire: string): Expected {
  return { verdict: 'no', reason: 'not offered', wire, records: [] };
}

const materialOf = async (world: World, way: Way): Promise<Material> => {
  const material = await world.credentials.of(callerOf(permittedAt(way.server)), way.server);
  if (material === undefined) throw new TypeError('matrix: a permitted caller has a certificate');
  return material;
};

const alpnOf = ({ transport }: Way): string => ({ https: 'http/1.1', grpc: 'h2', postgres: 'postgresql' })[transport];

function plaintextOutcome(way: Way): Expected {
  if (way.transport === 'postgres') {
    const fields = {
      code: 'PEER_NOT_AUTHORIZED',
      rule: 'postgres: pg_hba has no line for this',
      transport: 'postgres',
    };
    return {
      verdict: 'no',
      reason: 'no TLS',
      wire: 'PostgreSQL 28000',
      records: [{ program: 'postgres', event: 'refused', fields }],
    };
  }
  return handshakeRefusal({ refusal: 'NOT_VERIFIED' }, way);
}

async function plaintext(world: World, way: Way): Promise<Seen> {
  const address = world.addressOf(way);
  if (way.transport === 'postgres')
    return logIn({ address, database: world.database, user: 'orders_rw', plaintext: true }, undefined);
  const { socket, port } = await openTcp(address);
  const reading = readToEnd(socket);
  socket.write(
    way.transport === 'https' ? 'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n' : 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  );
  const { bytes, end } = await reading;
  // TLS may say so in one alert; a byte of anything else would be an answer.
  const answered = bytes.length > 0 && bytes[0] !== 0x15;
  return { port, wire: answered ? 'an answer in plaintext' : isClosed(end) ? 'closed' : end };
}

function versionOutcome(way: Way): Expected {
  const fields = { code: 'NOT_VERIFIED', role: 'server', transport: way.transport };
  const records = [{ program: way.server, event: 'refused', fields } as const];
  return { verdict: 'no', reason: 'TLS 1.3 alone', wire: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', records };
}

async function oldVersion(world: World, way: Way): Promise<Seen> {
  const versions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  return handshake(world, way, await materialOf(world, way), alpnOf(way), versions);
}

/** A handshake that must fail. */
async function handshake(
  world: World,
  way: Way,
  material: Material | undefined,
  alpn: string,
  extra: Parameters<typeof openTls>[3],
): Promise<Seen> {
  try {
    const { socket, port } = await openTls(world.addressOf(way), material, alpn, extra);
    const { bytes, end } = await readToEnd(socket);
    return { port, wire: bytes.length > 0 ? `${bytes.length} bytes` : isClosed(end) ? 'closed' : end };
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return {
      wire: isClosed(error.code) ? 'closed' : error.code,
      ...(error.port !== undefined && { port: error.port }),
    };
  }
}

function otherProtocol(way: Way): Cell {
  const expected: Expected = {
    ...handshakeRefusal({ refusal: 'ALPN_MISMATCH' }, way),
    wire: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  };
  return cell(way, 'other protocol', undefined, expected, async (world) =>
    handshake(world, way, await materialOf(world, way), 'http/1.1', {}),
  );
}

function noProtocol(way: Way): Cell {
  return cell(way, 'no protocol', undefined, handshakeRefusal({ refusal: 'ALPN_MISMATCH' }, way), async (world) =>
    handshake(world, way, await materialOf(world, way), '', {}),
  );
}

function resumedOutcome(way: Way): Expected {
  if (way.transport === 'postgres') return notOffered('no session to resume');
  return {
    ...handshakeRefusal({ refusal: 'NO_PEER_CERTIFICATE' }, way),
    reason: 'a full handshake: NO_PEER_CERTIFICATE',
  };
}

/** A permitted caller's call, on a connection whose session is kept. */
async function sessionOf(world: World, way: Way): Promise<Buffer | undefined> {
  const { socket } = await openTls(world.addressOf(way), await materialOf(world, way), alpnOf(way));
  let session: Buffer | undefined;
  socket.on('session', (each: Buffer) => {
    session = each;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  // Whatever comes of the call, TLS has sent its tickets before it.
  const seen = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  if (way.transport === 'https') socket.write('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n');
  else if (way.transport === 'grpc') socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  else socket.write(Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]));
  await Promise.race([seen, closed]);
  socket.destroy();
  return session;
}

async function resumed(world: World, way: Way): Promise<Seen> {
  const session = await sessionOf(world, way);
  if (session === undefined) return { wire: 'no session to resume' };
  return handshake(world, way, undefined, alpnOf(way), { session });
}

async function earlyData(world: World, way: Way): Promise<Seen> {
  const session = await sessionOf(world, way);
  const bytes = session === undefined ? 0 : maxEarlyData(session);
  return { wire: bytes === 0 ? 'no early data: the session allows 0 bytes' : `early data: ${bytes} bytes` };
}

/** OpenSSL's session: a SEQUENCE that begins with its own version and TLS 1.3's; Node puts words of its own before it. */
const SESSION_START = Buffer.from('0201010202030404', 'hex');

/** `max_early_data` is under explicit tag 15 of the session, and absent for none. */
function maxEarlyData(session: Buffer): number {
  const start = session.indexOf(SESSION_START);
  if (start < 4) throw new Error('matrix: this is no session of TLS 1.3');
  const limit = elementsOf(session.subarray(start - 4)).find(([tag]) => tag === 0xaf);
  return limit === undefined ? 0 : Number(`0x${Buffer.from(contentOf(contentOf(limit))).toString('hex')}`);
}

async function renegotiation(world: World, way: Way): Promise<Seen> {
  const { socket, port } = await openTls(world.addressOf(way), await materialOf(world, way), alpnOf(way));
  socket.on('error', () => {});
  const outcome = await new Promise<string>((resolve) => {
    socket.renegotiate({}, (error) =>
      resolve(error === null ? 'renegotiated' : 'code' in error ? String(error.code) : error.message),
    );
  });
  socket.destroy();
  return { port, wire: outcome };
}
