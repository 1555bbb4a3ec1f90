/**
 * Is anybody listening? The SDK's own default is to export to localhost even when nothing was asked for, which costs
 * every process a queue, a timer and a failing connection. Here nothing is exported until a standard variable says so.
 */

/** An environment as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which signals have an exporter. */
export interface ConfiguredExporters {
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly logs: boolean;
}

/** Reads the standard `OTEL_*` variables: an exporter's name other than `none`, or an OTLP endpoint, turns a signal on. */
export function configuredExporters(env: Environment): ConfiguredExporters {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return { traces: false, metrics: false, logs: false };
  return {
    traces: isConfigured(env['OTEL_TRACES_EXPORTER'], endpoint(env, 'TRACES')),
    metrics: isConfigured(env['OTEL_METRICS_EXPORTER'], endpoint(env, 'METRICS')),
    logs: isConfigured(env['OTEL_LOGS_EXPORTER'], endpoint(env, 'LOGS')),
  };
}

function endpoint(env: Environment, signal: string): string | undefined {
  return env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
}

function isConfigured(exporter: string | undefined, otlpEndpoint: string | undefined): boolean {
  const names = (exporter ?? '').split(',').map((name) => name.trim());
  if (names.includes('none')) return false;
  return names.some((name) => name !== '') || Boolean(otlpEndpoint);
}
