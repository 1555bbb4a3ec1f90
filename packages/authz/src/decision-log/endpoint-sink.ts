/**
 * Delivers decision events to an OPA-compatible log endpoint: batched, compressed, in order, tried again until taken or
 * refused, and bounded. Recording puts an event into the buffer and returns; everything else happens beside the calls.
 */
import type { Clock } from '@countersign/spiffe-tls';
import { createDeliveryCounter, type DecisionSink, type Delivery } from './decision-sink.ts';
import { createEventBuffer } from './event-buffer.ts';
import { createLogEndpoint, type LogEndpointOptions } from './log-endpoint.ts';
import { createChunkPacker } from './upload-chunk.ts';
import { createUploader, type EndpointState, type UploadTimes } from './uploader.ts';

/** How {@link createEndpointSink} delivers. OPA's name of an option is given where it has one. */
export interface EndpointSinkOptions extends LogEndpointOptions {
  /** Compressed bytes of an upload at most; `upload_size_limit_bytes`. Default 32 768; from 1024 to 16 MiB. */
  readonly uploadSizeLimitBytes?: number;
  /** Events that wait at most; `buffer_size_limit_events`. Default 10 000; from 1 to 1 000 000. */
  readonly bufferSizeLimitEvents?: number;
  /** JSON bytes that wait at most; `buffer_size_limit_bytes`, without a bound in OPA. Default 8 MiB; from 1024 to 1 GiB. */
  readonly bufferSizeLimitBytes?: number;
  /** An event waits at least this long for others; `min_delay_seconds`, 300 in OPA. Default 1000 ms; from 0 to an hour. */
  readonly minDelayMs?: number;
  /**
   * And, while the receiver answers, at most this long: the wait is drawn between the two. Also the longest wait between
   * two attempts. `max_delay_seconds`, 600 in OPA. Default 5000 ms; from 1 to an hour.
   */
  readonly maxDelayMs?: number;
  /** How long {@link DecisionSink.close} goes on delivering. Default 2000 ms; from 0 to a minute. */
  readonly drainMs?: number;
  readonly clock?: Clock;
  /** From 0 (inclusive) to 1 (exclusive). Default `Math.random`. */
  readonly random?: () => number;
  /** Told of each change of the counters. */
  readonly onDelivery?: (delivery: Delivery) => void;
  /** Told when the receiver stops taking uploads, of each one that it refuses, and when it takes them again. */
  readonly onState?: (state: EndpointState) => void;
}

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
/** Name, default, least and most of each number. */
const NUMBERS = {
  uploadSizeLimitBytes: [32_768, 1024, 16 * MIB],
  bufferSizeLimitEvents: [10_000, 1, 1_000_000],
  bufferSizeLimitBytes: [8 * MIB, 1024, 1024 * MIB],
  minDelayMs: [1000, 0, HOUR_MS],
  maxDelayMs: [5000, 1, HOUR_MS],
  drainMs: [2000, 0, 60_000],
} as const;

/**
 * Makes the sink. It sends nothing before the first event.
 * @throws {TypeError} for a number out of its range, and as {@link createLogEndpoint} for the URL
 * @example createEndpointSink({ url: new URL('https://decisions.example:8443'), agent: createSpiffeHttpsAgent({ source, authorize }) })
 */
export function createEndpointSink(options: EndpointSinkOptions): DecisionSink {
  const numbers = numbersOf(options);
  const counter = createDeliveryCounter('endpoint', options.onDelivery);
  const buffer = createEventBuffer({ events: numbers.bufferSizeLimitEvents, bytes: numbers.bufferSizeLimitBytes });
  const isHalfFull = () =>
    buffer.size * 2 > numbers.bufferSizeLimitEvents || buffer.bytes * 2 > numbers.bufferSizeLimitBytes;
  const { clock, random, onState } = options;
  const times: UploadTimes = { ...numbers, clock, random };
  const endpoint = createLogEndpoint(options);
  const packer = createChunkPacker(numbers.uploadSizeLimitBytes);
  const uploader = createUploader({ endpoint, packer, buffer, counter, isHalfFull, onState }, times);
  return {
    name: 'endpoint',
    record(event) {
      if (uploader.isClosed()) return counter.dropped('closed', 1);
      const pushed = buffer.push(JSON.stringify(event));
      if (pushed === 'too-large') return counter.dropped('too-large', 1);
      counter.dropped('buffer-full', pushed);
      uploader.wake();
    },
    stats: () => ({ buffered: buffer.size, bufferedBytes: buffer.bytes, ...counter.stats() }),
    close: uploader.close,
  };
}

type Numbers = { readonly [K in keyof typeof NUMBERS]: number };

function numbersOf(options: EndpointSinkOptions): Numbers {
  const numberOf = (name: keyof Numbers): number => {
    const [fallback, least, most] = NUMBERS[name];
    const value = options[name] ?? fallback;
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new TypeError(`decision log endpoint: ${name} must be an integer from ${least} to ${most}, got ${value}`);
  };
  const numbers = {
    uploadSizeLimitBytes: numberOf('uploadSizeLimitBytes'),
    bufferSizeLimitEvents: numberOf('bufferSizeLimitEvents'),
    bufferSizeLimitBytes: numberOf('bufferSizeLimitBytes'),
    minDelayMs: numberOf('minDelayMs'),
    maxDelayMs: numberOf('maxDelayMs'),
    drainMs: numberOf('drainMs'),
  };
  if (numbers.maxDelayMs >= numbers.minDelayMs) return numbers;
  throw new TypeError('decision log endpoint: maxDelayMs must not be below minDelayMs');
}
