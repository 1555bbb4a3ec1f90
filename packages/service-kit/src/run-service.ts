/**
 * The frame of every service: configuration, log, telemetry, identity, health port, and an orderly end.
 *
 * A service starts before it has an identity and becomes ready when it gets one. On SIGTERM or SIGINT, or when its parent
 * has gone, it stops taking work, lets work in progress finish, and exits 0.
 */
import { type ChainSigner, createChainSigner } from '@countersign/caller-chain';
import { explainRefusedConnection } from '@countersign/refusals';
import type { LiveX509Source } from '@countersign/spiffe-tls';
import {
  adaptSpiffeTlsEvents,
  createLogger,
  currentCallFields,
  type Logger,
  type Party,
  startTelemetry,
  type Telemetry,
} from '@countersign/telemetry';
import { commonSettings } from './common-settings.ts';
import type { Config, Settings } from './config.ts';
import { startHealthServer } from './health-server.ts';
import { partyOf, selfOf } from './identity.ts';
import { identityProblems, openIdentitySource } from './identity-source.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { runProcess } from './run-process.ts';
import { formatAddress } from './setting-types.ts';
import { whenAskedToStop } from './stop-signal.ts';

/** What a service is given. */
export interface ServiceContext<S extends Settings> {
  /** The program's name. */
  readonly name: string;
  /** The program's own settings. */
  readonly config: Config<S>;
  /** Whether answers may tell a caller how things work inside. */
  readonly development: boolean;
  readonly logger: Logger;
  /** The process's one identity source. It may have no identity yet. */
  readonly source: LiveX509Source;
  /** Who this process is at the moment. */
  readonly self: () => Party | undefined;
  /** Signs the links of calls that leave. */
  readonly chainSigner: ChainSigner;
  readonly readiness: Readiness;
  /** Aborted when the service begins to stop: streams end themselves then. */
  readonly stopping: AbortSignal;
  /** Takes what is to be done last, when telemetry has read and sent everything. */
  atEnd(end: () => void): void;
}

/** A service that runs. */
export interface RunningService {
  /** Where it listens, by purpose: `{ grpc: '127.0.0.1:9443' }`. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Takes no new work, lets work in progress finish for `graceMs`, then ends. */
  stop(graceMs: number): Promise<void>;
}

/** A service's program. */
export interface ServiceProgram<S extends Settings> {
  readonly name: string;
  /** Its own settings, beside the common ones. */
  readonly settings: S;
  /** SPIFFE ID of the database, from the settings; turns on spans for SQL. */
  readonly databasePeerId?: (config: Config<S>) => string;
  start(context: ServiceContext<S>): Promise<RunningService>;
}

/** Work in progress has this long to finish; with the rest of the end it stays well under four seconds. */
const DRAIN_MS = 1_800;
/** When an orderly end hangs, the process ends all the same. */
const END_MS = 3_800;

/**
 * Runs a service until it is told to stop, then ends the process: 0 after an orderly end, 1 when it could not start.
 * @example await runService(backend, process);
 */
export async function runService<S extends Settings>(program: ServiceProgram<S>, host: NodeJS.Process): Promise<void> {
  await runProcess(
    {
      name: program.name,
      settings: [commonSettings, program.settings],
      check: identityProblems,
      serve: (configs) => serve(program, configs, host),
    },
    host,
  );
}

async function serve<S extends Settings>(
  program: ServiceProgram<S>,
  [common, config]: [Config<typeof commonSettings>, Config<S>],
  host: NodeJS.Process,
): Promise<void> {
  const logger = createLogger({ service: program.name, level: common.logLevel, callFields: currentCallFields });
  const stopped = whenAskedToStop(host, common.parentPipe);
  const stopping = new AbortController();
  const source = openIdentitySource(common, { initialTimeoutMs: Number.POSITIVE_INFINITY });
  const self = () => selfOf(source);
  const telemetry = startTelemetry({
    serviceName: program.name,
    env: host.env,
    logger,
    self,
    httpPeer: (message) => partyOf(message)?.id,
    databasePeerId: program.databasePeerId?.(config),
  });
  adaptSpiffeTlsEvents(logger, explainRefusedConnection);
  const readiness = createReadiness((ready, reasons) =>
    logger.info(ready ? { event: 'ready', self: self()?.id } : { event: 'not_ready', reasons }),
  );
  followIdentity(source, readiness, logger);
  readiness.report('service', 'is starting');
  const health = await startHealthServer(common.healthAddress, readiness);
  const { development } = common;
  const ends: Array<() => void> = [];
  const service = await program.start({
    name: program.name,
    config,
    development,
    logger,
    source,
    self,
    chainSigner: createChainSigner({ source }),
    readiness,
    stopping: stopping.signal,
    atEnd: (each) => void ends.push(each),
  });
  const addresses = { ...service.addresses, health: formatAddress(health.address) };
  logger.info({ event: 'listening', addresses });
  readiness.report('service', undefined);

  const reason = await stopped;
  readiness.report('service', 'is stopping');
  logger.info({ event: 'stopping', reason });
  const forced = setTimeout(() => host.exit(0), END_MS);
  stopping.abort();
  await service.stop(DRAIN_MS);
  await end({ telemetry, ends, source, health });
  clearTimeout(forced);
  logger.info({ event: 'stopped' });
}

interface EndingParts {
  readonly telemetry: Telemetry;
  readonly ends: ReadonlyArray<() => void>;
  readonly source: LiveX509Source;
  readonly health: { close(): Promise<void> };
}

async function end(parts: EndingParts): Promise<void> {
  await parts.telemetry.shutdown();
  for (const each of parts.ends) each();
  parts.source.close();
  await parts.health.close();
}

/** Reports the identity's state, now and with each change. */
function followIdentity(source: LiveX509Source, readiness: Readiness, logger: Logger): void {
  const report = () => readiness.report('identity', whyNoIdentity(source));
  source.subscribe(report);
  report();
  // Rejects when asking again can't help, and when the process stops before there was an identity.
  source.ready().catch((error: unknown) => logger.warn({ event: 'identity_failed', message: String(error) }));
}

function whyNoIdentity(source: LiveX509Source): string | undefined {
  try {
    source.current();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
