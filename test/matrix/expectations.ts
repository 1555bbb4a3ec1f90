/**
 * Outcomes with their proper reasons, by where a call is decided: the handshake, the guard, PostgreSQL.
 */
import type { Expected, ExpectedRecord } from './outcome.ts';
import type { Caller, Way } from './table.ts';
import type { World } from './world.ts';

type Names = Pick<World, 'idOf'>;

/** Whether the handshake lets a caller in at all. */
export function accepted({ accepted: at = [] }: Caller, { server }: Way): boolean {
  return at.includes(server);
}

/** Refused right after the handshake: the wire shows a closed connection, the server's record says why. */
export function handshakeRefusal(caller: Pick<Caller, 'refusal'>, way: Way): Expected {
  const fields = { code: caller.refusal, role: 'server', transport: way.transport };
  return {
    verdict: 'no',
    reason: caller.refusal,
    wire: 'closed',
    records: [{ program: way.server, event: 'refused', fields }],
  };
}

/** Served, as who the connection proved. */
export function letIn(caller: Pick<Caller, 'name'>, way: Way, names: Names): Expected {
  return {
    verdict: 'in',
    reason: 'granted',
    wire: way.answer,
    records: [
      { program: way.server, event: 'verified', fields: { peer: names.idOf(caller.name), transport: way.transport } },
      decision(caller, way, names, { 'result.allow': 'true', 'result.reason': 'granted', 'result.rule': 'grant' }),
    ],
  };
}

/** Refused by the policy. */
export function policyRefusal(
  caller: Pick<Caller, 'name'>,
  way: Way,
  names: Names,
  { reason = 'operation-not-granted', rule = 'operation-is-granted', operation = way.operation } = {},
): Expected {
  const wire = way.transport === 'https' ? 'HTTP 403 POLICY_DENIED' : 'gRPC PERMISSION_DENIED POLICY_DENIED';
  const result = { 'result.allow': 'false', 'result.reason': reason, 'result.rule': rule };
  return { verdict: 'no', reason, wire, records: [decision(caller, { ...way, operation }, names, result)] };
}

/** Refused by the guard before the policy is asked. */
export function guardRefusal(way: Way, code: string, wire: string): Expected {
  const record: ExpectedRecord = { program: way.server, event: 'decision', fields: { 'error.code': code } };
  return { verdict: 'no', reason: code, wire, records: [record] };
}

/** Refused because the caller chain does not verify. */
export function chainRefusal(way: Way, code: string): Expected {
  return guardRefusal(way, code, way.transport === 'https' ? `HTTP 401 ${code}` : `gRPC UNAUTHENTICATED ${code}`);
}

/** Refused by the protocol's parser: nothing of the service runs, so the answer is all there is. */
export function parserRefusal(wire: string, reason = 'the parser refuses it'): Expected {
  return { verdict: 'no', reason, wire, records: [] };
}

function decision(
  { name }: Pick<Caller, 'name'>,
  { server, operation }: Way,
  { idOf }: Names,
  result: Readonly<Record<string, string>>,
): ExpectedRecord {
  const fields = { ...result, 'input.peer.spiffe_id': idOf(name), 'input.operation': operation };
  return { program: server, event: 'decision', fields };
}

const ALERTS = {
  UNTRUSTED_CHAIN: ['UNTRUSTED_CHAIN', 'unknown ca'],
  EXPIRED: ['EXPIRED', 'certificate expired'],
  NOT_YET_VALID: ['NOT_YET_VALID', 'bad certificate'],
  purpose: ['UNTRUSTED_CHAIN', 'unsupported certificate'],
  signature: ['NOT_VERIFIED', 'decrypt error'],
} as const;

/** What PostgreSQL does with a login. */
export function loginOutcome(caller: Caller, way: Way, { idOf, database }: Names & Pick<World, 'database'>): Expected {
  const { refusal = 'mapping', roles = [] } = caller.postgres ?? {};
  const user = way.operation;
  if (roles.includes(user)) {
    const peer = idOf(caller.impostor === true ? 'db-client' : caller.name);
    const verdict = caller.impostor === true ? 'limit' : 'in';
    const record = { program: 'postgres', event: 'authenticated', fields: { user, database, peer } } as const;
    return { verdict, reason: 'pg_ident gives the role to this CN', wire: way.answer, records: [record] };
  }
  const refused = (code: string, wire: string, more: Readonly<Record<string, string>> = {}): Expected => ({
    verdict: 'no',
    reason: more['rule'] ?? code,
    wire,
    records: [{ program: 'postgres', event: 'refused', fields: { code, transport: 'postgres', ...more } }],
  });
  if (refusal !== 'mapping' && refusal !== 'missing') {
    const [code, alert] = ALERTS[refusal];
    return refused(code, `TLS alert ${alert}`);
  }
  if (user === 'postgres')
    return refused('PEER_NOT_AUTHORIZED', 'PostgreSQL 28000', { rule: 'postgres: pg_hba has no line for this' });
  if (refusal === 'missing')
    return refused('NO_PEER_CERTIFICATE', 'PostgreSQL 28000', { rule: 'postgres: hostssl ... cert' });
  const rule = 'postgres: pg_ident gives a role to named identities alone';
  return refused('PEER_NOT_AUTHORIZED', 'PostgreSQL 28000', { rule });
}

/** What must come of a proper attempt. */
export function expectedOf(caller: Caller, way: Way, world: World): Expected {
  if (way.transport === 'postgres') return loginOutcome(caller, way, world);
  if (!accepted(caller, way)) return handshakeRefusal(caller, way);
  return way.granted.includes(caller.name) ? letIn(caller, way, world) : policyRefusal(caller, way, world);
}
