/** Settings of the decision log: where decisions are recorded, and what of them is masked. */
import { readFileSync } from 'node:fs';
import { parseMaskRules } from '@countersign/authz';
import type { SpiffeId } from '@countersign/spiffe-tls';
import type { Config, Setting } from './config.ts';
import { parseWorkloadId } from './setting-types.ts';

/** A delivery of the decision log. */
export type DecisionDelivery = 'log' | 'otlp' | 'endpoint';

const DELIVERIES: readonly DecisionDelivery[] = ['log', 'otlp', 'endpoint'];

function parseDeliveries(text: string): readonly DecisionDelivery[] {
  const words = text.split(',').map((word) => word.trim());
  const found = DELIVERIES.filter((delivery) => words.includes(delivery));
  if (found.length !== words.length) throw new Error(`must be a comma list of ${DELIVERIES.join(', ')}, each once`);
  return found;
}

function parseUrl(text: string): URL | undefined {
  if (text === '') return undefined;
  if (!URL.canParse(text)) throw new Error('must be a URL, such as https://decisions.example:8443');
  return new URL(text);
}

/** A JSON list as OPA's masks have it, a comma list of paths to remove, or `file:` with the absolute path of such a list. */
function parseMasks(text: string): unknown {
  if (text === '') return [];
  const content = text.startsWith('file:/') ? readFileSync(text.slice('file:'.length), 'utf8').trim() : text;
  const masks: unknown = content.startsWith('[') ? JSON.parse(content) : content.split(',').map((path) => path.trim());
  // Said at the start, with the mask that is wrong.
  parseMaskRules(masks);
  return masks;
}

function parseInteger(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new Error(`must be an integer from ${least} to ${most}`);
    return value;
  };
}

const peerId: Setting<SpiffeId | undefined> = {
  variable: 'DECISION_LOG_PEER_ID',
  describes: 'SPIFFE ID of the log endpoint; required with an https URL',
  fallback: '',
  parse: (text) => (text === '' ? undefined : parseWorkloadId(text)),
};

/** The settings of a service that decides. */
export const decisionLogSettings = {
  decisionLog: {
    variable: 'DECISION_LOG',
    describes: 'where decisions are recorded, comma list: log, otlp, endpoint',
    fallback: 'log',
    parse: parseDeliveries,
  },
  decisionLogUrl: {
    variable: 'DECISION_LOG_URL',
    describes: 'OPA-compatible log endpoint, https, or http with a loopback IP address; /logs is added',
    fallback: '',
    parse: parseUrl,
  },
  decisionLogPeerId: peerId,
  decisionLogPartition: {
    variable: 'DECISION_LOG_PARTITION',
    describes: "last segment of the endpoint's path, as OPA's partition_name",
    fallback: '',
    parse: (text: string) => text,
  },
  decisionLogMasks: {
    variable: 'DECISION_LOG_MASK',
    describes: 'what is masked: paths such as /input/resource/id, a JSON list of masks as in OPA, or file:/path of one',
    fallback: '',
    parse: parseMasks,
  },
  decisionLogMinDelayMs: {
    variable: 'DECISION_LOG_MIN_DELAY_MS',
    describes: 'an event waits at least this long for others, in milliseconds',
    fallback: '1000',
    parse: parseInteger(0, 3_600_000),
  },
  decisionLogMaxDelayMs: {
    variable: 'DECISION_LOG_MAX_DELAY_MS',
    describes: 'and at most this long; also the longest wait between two attempts',
    fallback: '5000',
    parse: parseInteger(1, 3_600_000),
  },
  decisionLogBufferEvents: {
    variable: 'DECISION_LOG_BUFFER_EVENTS',
    describes: 'events that wait for the endpoint at most; then the oldest are dropped',
    fallback: '10000',
    parse: parseInteger(1, 1_000_000),
  },
  decisionLogUploadBytes: {
    variable: 'DECISION_LOG_UPLOAD_BYTES',
    describes: 'compressed bytes of an upload at most',
    fallback: '32768',
    parse: parseInteger(1024, 16_777_216),
  },
} as const;

/** The values of {@link decisionLogSettings}. */
export type DecisionLogConfig = Config<typeof decisionLogSettings>;

/** What no setting can check alone. A value that could not be read is left out here: it has been reported. */
export function decisionLogProblems(config: Partial<DecisionLogConfig>): readonly string[] {
  const { decisionLog, decisionLogUrl: url, decisionLogPeerId, decisionLogPartition = '' } = config;
  const problems: string[] = [];
  const minMs = config.decisionLogMinDelayMs ?? 0;
  if (minMs > (config.decisionLogMaxDelayMs ?? minMs))
    problems.push('DECISION_LOG_MIN_DELAY_MS must not be above DECISION_LOG_MAX_DELAY_MS');
  if (decisionLog === undefined) return problems;
  if (!decisionLog.includes('endpoint')) {
    // Somebody believes that decisions go there.
    if (url !== undefined || decisionLogPeerId !== undefined || decisionLogPartition !== '')
      problems.push('DECISION_LOG must have endpoint, because settings of the endpoint are given');
    return problems;
  }
  if (url === undefined) problems.push('DECISION_LOG_URL is required: DECISION_LOG has endpoint');
  if (url?.protocol === 'https:' && decisionLogPeerId === undefined)
    problems.push('DECISION_LOG_PEER_ID is required with an https URL: who is the receiver?');
  if (url?.protocol === 'http:' && decisionLogPeerId !== undefined)
    problems.push('DECISION_LOG_PEER_ID needs an https URL: over http nobody is verified');
  return problems;
}
