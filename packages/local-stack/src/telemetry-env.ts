/**
 * Where the services' telemetry goes while a console runs: to the console, which passes it on to wherever the user wanted it.
 * The services know nothing of that: they get the standard variables.
 */

/** What services and console get, or why the console gets nothing. */
export type TelemetryRoute =
  | { readonly services: NodeJS.ProcessEnv; readonly console: NodeJS.ProcessEnv }
  | { readonly left: string };

/** A map that shows a rotation two minutes later shows nothing. Each group is set as a whole, or is the user's. */
const PROMPT: readonly NodeJS.ProcessEnv[] = [
  { OTEL_BSP_SCHEDULE_DELAY: '250' },
  { OTEL_BLRP_SCHEDULE_DELAY: '250' },
  // The reader refuses a time-out that is longer than the interval.
  { OTEL_METRIC_EXPORT_INTERVAL: '2000', OTEL_METRIC_EXPORT_TIMEOUT: '2000' },
];

/** What the console can stand in front of: one endpoint for all signals, OTLP over HTTP. */
const UNDERSTOOD = /^OTEL_EXPORTER_OTLP_(ENDPOINT|HEADERS|PROTOCOL|TIMEOUT|COMPRESSION)$/;

/**
 * @param user the caller's `OTEL_*` variables
 * @param otlpUrl where the console receives
 */
export function routeTelemetry(user: NodeJS.ProcessEnv, otlpUrl: string): TelemetryRoute {
  const given = Object.keys(user).filter((name) => name.startsWith('OTEL_') && user[name] !== '');
  const left = given.find((name) => isElsewhere(name, user[name] ?? ''));
  if (left !== undefined) return { left };
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = '', OTEL_EXPORTER_OTLP_HEADERS: headers = '' } = user;
  const own = PROMPT.filter((group) => !Object.keys(group).some((name) => given.includes(name)));
  return {
    services: {
      ...Object.assign({}, ...own),
      OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl,
      // For the user's Collector alone.
      OTEL_EXPORTER_OTLP_HEADERS: '',
      DECISION_LOG: 'log,otlp',
    },
    console: endpoint === '' ? {} : { OTLP_FORWARD_ENDPOINT: endpoint, OTLP_FORWARD_HEADERS: headers },
  };
}

/** Whether a variable sends telemetry where the console can't stand in front, or nowhere. */
function isElsewhere(name: string, value: string): boolean {
  if (name === 'OTEL_SDK_DISABLED') return value.trim().toLowerCase() === 'true';
  if (/^OTEL_(TRACES|METRICS|LOGS)_EXPORTER$/.test(name)) return value.trim() !== 'otlp';
  if (name === 'OTEL_EXPORTER_OTLP_PROTOCOL') return !value.startsWith('http/');
  return name.startsWith('OTEL_EXPORTER_OTLP_') && !UNDERSTOOD.test(name);
}
