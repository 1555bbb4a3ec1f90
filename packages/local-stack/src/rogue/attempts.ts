/**
 * The list of attempts and the one proper reason for which each must be refused.
 */
import type { Identities } from '@countersign/identities';
import type { WorkloadApiX509Source } from '@countersign/spiffe-tls';
import type { PartName } from '../definitions.ts';
import type { LogRecord } from '../part.ts';
import { rolesOf, superuserName } from '../postgres/roles.ts';
import type { SystemFile } from '../system-file.ts';
import {
  forgedHeaders,
  type Observation,
  tryGrpc,
  tryGrpcWithoutCertificate,
  tryHttps,
  tryHttpsWithoutCertificate,
  tryPostgres,
} from './ways.ts';

/** One way in. */
export interface Attempt {
  /** What is tried, in a few words. */
  readonly name: string;
  /** Who must refuse it, and in whose log the reason is. */
  readonly refusedBy: PartName;
  run(): Promise<Observation>;
  /** Whether a record of that service is about this attempt. */
  isAbout(record: LogRecord, observation: Observation): boolean;
  /** The proper reason; anything else is no pass. */
  readonly reason: Readonly<Record<string, string>>;
}

/** What attempts are made with. */
export interface AttemptContext {
  readonly system: SystemFile;
  readonly identities: Identities;
  readonly rogue: WorkloadApiX509Source;
  readonly auditor: WorkloadApiX509Source;
}

/** All attempts, in the order they are made. */
export function listAttempts(context: AttemptContext): Attempt[] {
  return [
    ...serviceAttempts(context),
    ...databaseAttempts(context),
    ...withoutCertificate(context),
    ...forgedIdentity(context),
  ];
}

function targets({ system: { addresses }, identities }: AttemptContext) {
  const backend = identities.workload('backend').spiffeId;
  return {
    backendHttps: { address: addresses.backend.https, spiffeId: backend },
    backendGrpc: { address: addresses.backend.grpc, spiffeId: backend },
    dbClient: { address: addresses.dbClient.grpc, spiffeId: identities.workload('db-client').spiffeId },
  };
}

function serviceAttempts(context: AttemptContext): Attempt[] {
  const { rogue } = context;
  const { backendHttps, backendGrpc, dbClient } = targets(context);
  const reason = { code: 'PEER_NOT_AUTHORIZED', peerId: context.identities.workload('rogue').spiffeId };
  return [
    {
      name: 'backend over HTTPS',
      refusedBy: 'backend',
      run: () => tryHttps(rogue, backendHttps),
      isAbout: refusedFromPort,
      reason: { ...reason, transport: 'https' },
    },
    {
      name: 'backend over gRPC',
      refusedBy: 'backend',
      run: () => tryGrpc(rogue, backendGrpc),
      isAbout: refusedFromPort,
      reason: { ...reason, transport: 'grpc' },
    },
    {
      name: 'db-client directly, over gRPC',
      refusedBy: 'db-client',
      run: () => tryGrpc(rogue, dbClient),
      isAbout: refusedFromPort,
      reason: { ...reason, transport: 'grpc' },
    },
  ];
}

function databaseAttempts({ system, identities, rogue }: AttemptContext): Attempt[] {
  const transport = 'postgres';
  const peerId = identities.workload('rogue').spiffeId;
  const role = (user: string, reason: Record<string, string>): Attempt => ({
    name: `PostgreSQL directly, as ${user}`,
    refusedBy: 'postgres',
    run: () => tryPostgres(rogue, system.addresses.postgres, { user, database: system.database }),
    isAbout: refusedFromPort,
    reason: { transport, code: 'PEER_NOT_AUTHORIZED', ...reason },
  });
  return [
    ...rolesOf(identities).map((user) =>
      role(user, { peerId, rule: 'postgres: pg_ident gives a role to named identities alone' }),
    ),
    role(superuserName, { rule: 'postgres: pg_hba has no line for this' }),
  ];
}

function withoutCertificate(context: AttemptContext): Attempt[] {
  const { rogue } = context;
  const { backendHttps, backendGrpc, dbClient } = targets(context);
  const code = 'NO_PEER_CERTIFICATE';
  return [
    {
      name: 'no certificate: backend, HTTPS',
      refusedBy: 'backend',
      run: () => tryHttpsWithoutCertificate(rogue, backendHttps),
      isAbout: refusedFromPort,
      reason: { code, transport: 'https' },
    },
    {
      name: 'no certificate: backend, gRPC',
      refusedBy: 'backend',
      run: () => tryGrpcWithoutCertificate(rogue, backendGrpc),
      isAbout: refusedFromPort,
      reason: { code, transport: 'grpc' },
    },
    {
      name: 'no certificate: db-client, gRPC',
      refusedBy: 'db-client',
      run: () => tryGrpcWithoutCertificate(rogue, dbClient),
      isAbout: refusedFromPort,
      reason: { code, transport: 'grpc' },
    },
  ];
}

/** A valid identity with grants of its own, which claims in headers to be one with more. */
function forgedIdentity(context: AttemptContext): Attempt[] {
  const { auditor, identities } = context;
  const { backendHttps, backendGrpc } = targets(context);
  const headers = forgedHeaders(identities.workload('customer').spiffeId);
  const reason = { peer: identities.workload('auditor').spiffeId, decision: 'deny' };
  return [
    {
      name: 'auditor as customer by headers, POST /orders',
      refusedBy: 'backend',
      run: () => tryHttps(auditor, backendHttps, headers),
      isAbout: deniedWithDecision,
      reason: { ...reason, operation: 'POST /orders', status: '403' },
    },
    {
      name: 'auditor as customer by metadata, CreateOrder',
      refusedBy: 'backend',
      run: () => tryGrpc(auditor, backendGrpc, headers),
      isAbout: deniedWithDecision,
      reason: { ...reason, operation: '/countersign.orders.v1.OrderService/CreateOrder', status: 'PERMISSION_DENIED' },
    },
  ];
}

/** The refusal of one connection: the record names the client's port, which no other open connection has. */
function refusedFromPort({ event, remote }: LogRecord, { port }: Observation): boolean {
  const from = typeof remote === 'object' && remote !== null && 'port' in remote ? remote.port : undefined;
  return event === 'refused' && port !== undefined && from === port;
}

/** The refusal of one request on an accepted connection: the answer and the record have the same decision ID. */
function deniedWithDecision(record: LogRecord, { decisionId }: Observation): boolean {
  return record['event'] === 'request' && decisionId !== undefined && record['decision_id'] === decisionId;
}
