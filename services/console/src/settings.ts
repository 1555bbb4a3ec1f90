/** Settings of the console. */
import { parseHostNames, parseListenAddress } from '@countersign/service-kit';

/** Beside those of every process. What is optional is `undefined` when it is not given. */
export const consoleSettings = {
  consoleAddress: {
    variable: 'CONSOLE_ADDRESS',
    describes: 'where the page and its API are served, plain HTTP: keep it on loopback',
    fallback: '127.0.0.1:8090',
    parse: parseListenAddress,
  },
  otlpAddress: {
    variable: 'OTLP_ADDRESS',
    describes: 'where OTLP over HTTP is received',
    fallback: '127.0.0.1:4318',
    parse: parseListenAddress,
  },
  allowedHosts: {
    variable: 'ALLOWED_HOSTS',
    describes: 'host names that requests may be for, beside localhost, 127.0.0.1 and [::1]; separated by commas',
    fallback: '',
    parse: parseHostNames,
  },
  page: {
    variable: 'CONSOLE_PAGE',
    describes: 'folder of the built page; without one a plain page says how to build it',
    fallback: '',
    parse: optional((text) => text),
  },
  controlSocket: {
    variable: 'STACK_CONTROL_SOCKET',
    describes: "the system's control socket; without one the page only watches",
    fallback: '',
    parse: optional((text) => text),
  },
  customerUrl: {
    variable: 'CUSTOMER_URL',
    describes: 'where orders are placed, as http://127.0.0.1:8080; without one there are none',
    fallback: '',
    parse: optional(parseOrigin),
  },
  traceUrl: {
    variable: 'TRACE_URL',
    describes: 'page of one trace in a trace viewer, with {traceId} in it',
    fallback: '',
    parse: optional(parseTraceUrl),
  },
  forwardEndpoint: {
    variable: 'OTLP_FORWARD_ENDPOINT',
    describes: 'base URL of a Collector that gets all telemetry too, as OTEL_EXPORTER_OTLP_ENDPOINT has it',
    fallback: '',
    parse: optional(parseEndpoint),
  },
  forwardHeaders: {
    variable: 'OTLP_FORWARD_HEADERS',
    describes: 'headers for that Collector, as OTEL_EXPORTER_OTLP_HEADERS has them: name=value, separated by commas',
    fallback: '',
    parse: parseHeaders,
  },
} as const;

function optional<T>(parse: (text: string) => T): (text: string) => T | undefined {
  return (text) => (text === '' ? undefined : parse(text));
}

function parseOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' || `${url.origin}/` !== url.href)
    throw new Error('must be an http URL without path, such as http://127.0.0.1:8080');
  return url;
}

function parseTraceUrl(text: string): string {
  const filled = text.replaceAll('{traceId}', '0'.repeat(32));
  const isWeb = URL.canParse(filled) && /^https?:$/.test(new URL(filled).protocol);
  if (!isWeb || filled === text) throw new Error('must be an http or https URL with {traceId} in it');
  return text;
}

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new Error('must be an http or https URL, such as http://127.0.0.1:4319');
  return url;
}

/** Values are percent-encoded, as OpenTelemetry has it. They may be secrets: a message shows none of them. */
function parseHeaders(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair, index) => {
      const [, name, value] = /^\s*([\w.-]+)\s*=\s*([\x21-\x7e]*)\s*$/.exec(pair) ?? [];
      if (name === undefined || value === undefined)
        throw new Error(`must be name=value pairs separated by commas, got something else as the ${index + 1}. pair`);
      return [name.toLowerCase(), decodeValue(value, index)];
    }),
  );
}

function decodeValue(value: string, index: number): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new Error(`must have percent-encoded values, got another one in the ${index + 1}. pair`);
  }
}
