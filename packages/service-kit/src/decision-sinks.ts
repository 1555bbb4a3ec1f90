/** The decision log of a service, made from its settings: the process's log, OTLP, an OPA-compatible endpoint. */
import {
  createDecisionLog,
  createEmitterSink,
  createEndpointSink,
  type DecisionLog,
  type DecisionSink,
  type Delivery,
  type EndpointState,
} from '@countersign/authz';
import { authorizeId, createSpiffeHttpsAgent, type X509Source } from '@countersign/spiffe-tls';
import { activeTraceIds, emitDecisionLog, type Logger } from '@countersign/telemetry';
import { ConfigError } from './config-error.ts';
import { type DecisionLogConfig, decisionLogProblems } from './decision-log-settings.ts';

/** A service's end takes 3.8 s at most, of which calls in progress have 1.8: something is to be left for telemetry. */
const DRAIN_MS = 1_000;

/** What {@link createDecisionSinks} needs. */
export interface DecisionSinksOptions {
  readonly config: DecisionLogConfig;
  /** Gets the decision's line, at once, and lines about an endpoint that does not take events. */
  readonly logger: Logger;
  /** The identity that the endpoint gets to see. */
  readonly source: X509Source;
  /** Labels of the events. */
  readonly service: string;
  readonly version: string;
  /** Told of each change of the counters, for metrics. */
  readonly onDelivery?: (delivery: Delivery) => void;
}

/**
 * Makes the decision log. Its `record` throws when the process's log can't be written, so that the guard refuses; close it
 * after the last call has ended.
 * @throws {ConfigError} `CONFIG_INVALID` for settings that do not fit together or can't be used
 */
export function createDecisionSinks(options: DecisionSinksOptions): DecisionLog {
  const { config, logger, service, version, onDelivery } = options;
  const problems = decisionLogProblems(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const callbacks = onDelivery === undefined ? {} : { onDelivery };
  const endpoint = config.decisionLog.includes('endpoint') ? openEndpoint(options) : undefined;
  const sinks: DecisionSink[] = [];
  if (config.decisionLog.includes('otlp'))
    sinks.push(createEmitterSink({ name: 'otlp', emit: emitDecisionLog, ...callbacks }));
  if (endpoint !== undefined) sinks.push(endpoint);
  return createDecisionLog({
    service,
    version,
    masks: config.decisionLogMasks,
    traceIds: activeTraceIds,
    sinks,
    ...callbacks,
    ...(config.decisionLog.includes('log') ? { write: (event) => logger.info({ event: 'decision', ...event }) } : {}),
  });
}

function openEndpoint({ config, logger, source, onDelivery }: DecisionSinksOptions): DecisionSink {
  const { decisionLogUrl: url, decisionLogPeerId: peerId, decisionLogPartition: partition } = config;
  if (url === undefined) throw new ConfigError(['DECISION_LOG_URL is required: DECISION_LOG has endpoint']);
  const agent =
    peerId === undefined
      ? undefined
      : createSpiffeHttpsAgent({ source, authorize: authorizeId(peerId), maxSockets: 1 });
  try {
    const sink = createEndpointSink({
      url,
      ...(agent === undefined ? {} : { agent }),
      ...(partition === '' ? {} : { partition }),
      minDelayMs: config.decisionLogMinDelayMs,
      maxDelayMs: config.decisionLogMaxDelayMs,
      drainMs: DRAIN_MS,
      bufferSizeLimitEvents: config.decisionLogBufferEvents,
      uploadSizeLimitBytes: config.decisionLogUploadBytes,
      onState: (state) => report(logger, state),
      ...(onDelivery === undefined ? {} : { onDelivery }),
    });
    return { ...sink, close: () => sink.close().finally(() => agent?.destroy()) };
  } catch (error) {
    agent?.destroy();
    throw new ConfigError([`DECISION_LOG_URL: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function report(logger: Logger, state: EndpointState): void {
  if (state.state === 'delivering') logger.info({ event: 'decision_log', state: state.state });
  else logger.warn({ event: 'decision_log', state: state.state, message: state.why });
}
