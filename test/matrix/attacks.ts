/**
 * The attacks, each with the ways and callers that it is for. One above TLS is made by those who get past the handshake: it
 * is there that it would gain something. A caller who is refused in the handshake has no byte of it read.
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import { attempt, type Changes } from './attempts.ts';
import type { Cell } from './cells.ts';
import { CHAIN_ATTACKS, chainAttackCells } from './chain-attacks.ts';
import { actOf } from './chain-plan.ts';
import { accepted, expectedOf, guardRefusal, parserRefusal, policyRefusal } from './expectations.ts';
import { GRPC_PATHS, HTTP_REQUESTS, type HttpAttack, SMUGGLED } from './http-attacks.ts';
import { LIFE_ATTACKS } from './life-attacks.ts';
import type { Expected } from './outcome.ts';
import { type Caller, callerOf, permittedAt, WAYS, type Way } from './table.ts';
import { TLS_ATTACKS, tlsAttackCells } from './tls-attacks.ts';
import type { World } from './world.ts';

/** Names under which somebody may hope that an identity is believed. `ID` stands for the identity that is claimed. */
export const FORGED_HEADERS: Readonly<Record<string, string>> = {
  'x-forwarded-client-cert': 'By=ID;Hash=00;URI=ID',
  'x-spiffe-id': 'ID',
  'x-client-cert': 'ID',
  'x-ssl-client-verify': 'SUCCESS',
  'x-ssl-client-s-dn': 'CN=ID',
  'ssl-client-cert': 'ID',
  'client-cert': ':AAAA:',
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-user': 'ID',
  'x-real-ip': '127.0.0.1',
  'x-remote-user': 'ID',
  'x-caller-id': 'ID',
  'x-original-url': '/orders',
  'x-http-method-override': 'POST',
  forwarded: 'for=127.0.0.1;by=ID',
  via: '1.1 ID',
  authorization: 'Bearer ID',
  tracestate: 'spiffe=ID',
  baggage: 'spiffe.peer.id=ID,spiffe.origin.id=ID,authz.decision=allow',
};

/** Name and meaning of each attack, for the reference. */
export const ATTACKS: readonly (readonly [name: string, what: string])[] = [
  ['none', 'a proper call'],
  [
    'forged headers',
    `identity headers of every name (${Object.keys(FORGED_HEADERS).join(', ')}) claim a permitted caller`,
  ],
  ['other host', '`Host` or `:authority` names another server'],
  ...[...HTTP_REQUESTS, ...SMUGGLED, ...GRPC_PATHS].map(({ name, what }) => [name, what] as const),
  ...TLS_ATTACKS,
  ...LIFE_ATTACKS,
  ...CHAIN_ATTACKS.map(({ name, what }) => [name, what] as const),
];

/** All cells with an attack. */
export function attackCells(): Cell[] {
  return [
    ...forgedCells(),
    ...hostCells(),
    ...requestCells(),
    ...grpcPathCells(),
    ...tlsAttackCells(),
    ...chainAttackCells(),
  ];
}

const CALLED = WAYS.filter(({ transport }) => transport !== 'postgres');

/** Callers whose requests the servers read, and two of those whose they don't. */
function forgedCells(): Cell[] {
  const callers = ['auditor', 'backend', 'rogue', 'none'].map(callerOf);
  return callers.flatMap((caller) =>
    CALLED.map((way) => cellOf({ caller, way, attack: 'forged headers', changes: (world) => forge(way, world) })),
  );
}

function forge({ server, transport }: Way, { idOf }: World): Changes {
  const claimed = idOf(permittedAt(server));
  const headers = Object.entries(FORGED_HEADERS).map(
    ([name, value]) => [name, value.replaceAll('ID', claimed)] as const,
  );
  if (transport === 'grpc') return { headers: Object.fromEntries(headers) };
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return { http: (request) => ({ ...request, headers: [...request.headers, ...lines] }) };
}

function hostCells(): Cell[] {
  const callers = ['customer', 'auditor', 'backend'].map(callerOf);
  const headers: OutgoingHttpHeaders = { ':authority': 'db-client.example.org:443' };
  const toOther = (line: string) => (line.startsWith('Host:') ? 'Host: db-client.example.org' : line);
  const changes: Changes = { headers, http: (request) => ({ ...request, headers: request.headers.map(toOther) }) };
  return callers.flatMap((caller) =>
    CALLED.filter((way) => accepted(caller, way)).map((way) =>
      cellOf({ caller, way, attack: 'other host', changes: () => changes }),
    ),
  );
}

/** What is changed must not matter: the outcome is that of the proper call, down to whom the records name. */
function cellOf(parts: { caller: Caller; way: Way; attack: string; changes: (world: World) => Changes }): Cell {
  const { caller, way, attack, changes } = parts;
  return {
    caller: caller.name,
    way,
    attack,
    expected: (world) => withRequestRecord(expectedOf(caller, way, world), parts, world),
    run: (world) => attempt(world, caller, way, changes(world)),
  };
}

/** The line about the request must name the peer that the connection proved, whatever was forged. */
function withRequestRecord(expected: Expected, { caller, way }: { caller: Caller; way: Way }, world: World): Expected {
  if (!accepted(caller, way)) return expected;
  const fields = { peer: world.idOf(caller.name), decision: expected.verdict === 'in' ? 'allow' : 'deny' };
  return { ...expected, records: [...expected.records, { program: way.server, event: 'request', fields }] };
}

/** Requests that are odd, smuggled, or none, by callers of two different rights. */
function requestCells(): Cell[] {
  const ways = CALLED.filter(({ operation }) => operation === 'GET /orders/{id}');
  const [customer, auditor] = [callerOf('customer'), callerOf('auditor')];
  const odd = ways.flatMap((way) =>
    HTTP_REQUESTS.flatMap((attack) => [customer, auditor].map((caller) => requestCell(caller, way, attack))),
  );
  const post = CALLED.filter(({ operation }) => operation === 'POST /orders');
  return [...odd, ...post.flatMap((way) => SMUGGLED.map((attack) => requestCell(auditor, way, attack)))];
}

function requestCell(caller: Caller, way: Way, attack: HttpAttack): Cell {
  return {
    caller: caller.name,
    way,
    attack: attack.name,
    expected: (world) => outcomeOf(attack, caller, way, world),
    run: (world) => {
      // Signed for what is really asked: a chain for another request would be refused before the policy is asked.
      const changed = attack.change({ method: 'GET', target: actOf(way, world).slice(4), headers: [] }, world.orderId);
      const act = typeof changed === 'string' ? {} : { act: `${changed.method} ${changed.target.split('?')[0]}` };
      return attempt(world, caller, way, { ...act, http: (request) => attack.change(request, world.orderId) });
    },
  };
}

function outcomeOf({ outcome }: HttpAttack, caller: Caller, way: Way, world: World): Expected {
  if (outcome === 'malformed') return guardRefusal(way, 'PATH_MALFORMED', 'HTTP 400 PATH_MALFORMED');
  if (outcome === 'as proper') return expectedOf(caller, way, world);
  if (outcome === 'closed') {
    const fields = { peer: world.idOf(caller.name), transport: way.transport };
    return { ...parserRefusal('closed'), records: [{ program: way.server, event: 'verified', fields }] };
  }
  if (outcome !== 'unmatched' && outcome !== 'unmatched, no body') return parserRefusal(outcome);
  const unmatched = { reason: 'operation-unmatched', rule: 'operation-is-matched', operation: 'unmatched' };
  const expected = policyRefusal(caller, way, world, unmatched);
  return outcome === 'unmatched' ? expected : { ...expected, wire: 'HTTP 403' };
}

function grpcPathCells(): Cell[] {
  const ways = CALLED.filter(({ operation }) => operation.endsWith('/CreateOrder'));
  return ways.flatMap((way) =>
    GRPC_PATHS.map(({ name, headers, wire }) => {
      const caller = callerOf(permittedAt(way.server));
      const changes: Changes = { headers: headers(way.operation) };
      const reason = 'no such method: no code of the service runs';
      return {
        caller: caller.name,
        way,
        attack: name,
        expected: parserRefusal(wire, reason),
        run: (world: World) => attempt(world, caller, way, changes),
      };
    }),
  );
}
