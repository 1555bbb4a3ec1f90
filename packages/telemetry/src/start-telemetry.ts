/**
 * Starts OpenTelemetry in a process: the SDK with the standard `OTEL_*` variables, W3C trace context, spans that say who is
 * at either end, metrics, and the log as records. With no exporter configured it stays silent: nothing is recorded, queued or sent, and what is left
 * is an ID for each trace, so that the log lines of one order can still be found in every service.
 */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { envDetector, hostDetector, processDetector, serviceInstanceIdDetector } from '@opentelemetry/resources';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { AlwaysOffSampler, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { type ConfiguredExporters, configuredExporters, type Environment } from './exporters.ts';
import { applyInstrumentations, createInstrumentations, type IdentityLookup } from './instrumentations.ts';
import type { Logger } from './log.ts';
import { startLogBridge } from './log-bridge.ts';
import { startMetrics } from './metrics.ts';

/** How {@link startTelemetry} starts. */
export interface TelemetryOptions extends IdentityLookup {
  /** `service.name`, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string;
  /** The process's environment. The SDK itself reads `process.env`, as its specification says; this decides if it exports. */
  readonly env: Environment;
  /** Where the SDK's own complaints go (a Collector that can't be reached, say). */
  readonly logger: Logger;
}

/** Running telemetry. */
export interface Telemetry {
  /** Sends what is still queued, within two seconds, and stops. */
  shutdown(): Promise<void>;
}

const SHUTDOWN_MS = 2_000;

/** Starts telemetry once in a process, before servers and clients are made. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const exporters = configuredExporters(options.env);
  const sdk = new NodeSDK({
    ...(options.env['OTEL_SERVICE_NAME'] ? {} : { serviceName: options.serviceName }),
    instrumentations: createInstrumentations(options),
    // Without baggage: it is whatever a caller likes to send, and nothing here has a use for it.
    ...(options.env['OTEL_PROPAGATORS'] ? {} : { textMapPropagator: new W3CTraceContextPropagator() }),
    // Two replicas of a service are told apart by `service.instance.id`: without it their metrics would be one series.
    resourceDetectors: [envDetector, hostDetector, processDetector, serviceInstanceIdDetector],
    ...silence(exporters),
  });
  // The SDK's own logger writes plain text to standard output, where every line is JSON.
  diag.setLogger(jsonDiagnostics(options.logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  sdk.start();
  applyInstrumentations(options.databasePeerId === undefined ? [] : ['pg']);
  // Only now: an instrument or a logger that is made before the SDK runs never sends anything.
  const stops = [...(exporters.metrics ? [startMetrics()] : []), ...(exporters.logs ? [startLogBridge()] : [])];
  return {
    shutdown: () =>
      shutdownWithin(sdk, options.logger).finally(() => {
        for (const stop of stops) stop();
      }),
  };
}

/** The SDK's default for a signal without exporter is OTLP to localhost: say explicitly that there is none. */
function silence(exporters: ConfiguredExporters): Partial<NodeSDKConfiguration> {
  return {
    ...(exporters.metrics ? {} : { metricReaders: [] }),
    ...(Object.values(exporters).includes(true) ? {} : { autoDetectResources: false }),
    ...(exporters.logs ? {} : { logRecordProcessors: [] }),
    ...(exporters.traces ? {} : { sampler: new AlwaysOffSampler(), spanProcessors: [idleProcessor] }),
  };
}

/** Without any processor the SDK makes no tracer provider, and then there would be no trace IDs. */
const idleProcessor: SpanProcessor = {
  onStart: () => {},
  onEnd: () => {},
  forceFlush: async () => {},
  shutdown: async () => {},
};

function jsonDiagnostics(logger: Logger) {
  const write = (level: 'debug' | 'warn' | 'error') => (message: string) =>
    logger[level]({ event: 'telemetry', message: message.slice(0, 500) });
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('debug'),
    debug: write('debug'),
    verbose: write('debug'),
  };
}

async function shutdownWithin(sdk: NodeSDK, logger: Logger): Promise<void> {
  const expired = AbortSignal.timeout(SHUTDOWN_MS);
  const gaveUp = new Promise<void>((resolve) => expired.addEventListener('abort', () => resolve(), { once: true }));
  const stopped = sdk.shutdown().catch((error: unknown) => logger.warn({ event: 'telemetry', message: String(error) }));
  await Promise.race([stopped, gaveUp]);
}
