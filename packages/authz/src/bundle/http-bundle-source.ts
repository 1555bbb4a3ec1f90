/**
 * A bundle server, asked by OPA's bundle service protocol: GET with the ETag of the bundle in use, `304` when it is still
 * that one, and long polling (`Prefer: wait`) with a server that says it can. It never gives a bundle up because a server
 * is away: it asks again, later and later, at times that are not in step with other services'.
 */
import {
  type Clock,
  createExponentialBackoff,
  createSystemClock,
  type ExponentialBackoffOptions,
} from '@countersign/spiffe-tls';
import { type BundleAnswer, type BundleRequestOptions, checkBundleUrl, requestBundle } from './bundle-request.ts';
import type { BundleSource } from './bundle-source.ts';

/** A bundle server. */
export interface BundleServerOptions extends Pick<BundleRequestOptions, 'url' | 'agent' | 'headers' | 'timeoutMs'> {
  /** Takes plain HTTP from other hosts than this one. Default `false`: the bundle decides, so who gives it matters. */
  readonly dangerouslyAllowPlainHttp?: boolean;
  /** Shortest and longest time between two looks, drawn anew each time. Default 60 000 and 120 000, as OPA's. */
  readonly pollMs?: readonly [min: number, max: number];
  /** Seconds that a server may hold its answer back. Default: no long polling. Sane from 5 to 300. */
  readonly longPollSeconds?: number;
  /** Waits after failures. Default: from 1 s to 60 s, with jitter. */
  readonly backoff?: ExponentialBackoffOptions;
  /** Time, for tests. Default: the system's. */
  readonly clock?: Clock;
}

const DEFAULT_POLL_MS = [60_000, 120_000] as const;
const DEFAULT_TIMEOUT_MS = 30_000;
/** A server that answers long polls at once must not be asked without end. */
const LONG_POLL_PAUSE_MS = 250;

/**
 * Makes the source.
 * @throws {TypeError} when the URL or a number is not allowed
 */
export function createHttpBundleSource(options: BundleServerOptions, maxBytes: number): BundleSource {
  const [minMs, maxMs] = options.pollMs ?? DEFAULT_POLL_MS;
  const { longPollSeconds = 0, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (!(minMs > 0 && maxMs >= minMs)) throw new TypeError('bundle server: pollMs must be two numbers, [min, max]');
  if (!(Number.isInteger(longPollSeconds) && longPollSeconds >= 0 && longPollSeconds <= 3600))
    throw new TypeError(`bundle server: longPollSeconds must be an integer up to 3600, got ${longPollSeconds}`);
  const url = checkBundleUrl(options.url, options.dangerouslyAllowPlainHttp === true);
  const request: BundleRequestOptions = { ...options, url, maxBytes, timeoutMs };
  return new HttpBundleSource(request, { ...options, pollMs: [minMs, maxMs], longPollSeconds });
}

type Rhythm = Pick<BundleServerOptions, 'backoff' | 'clock'> &
  Required<Pick<BundleServerOptions, 'pollMs' | 'longPollSeconds'>>;

class HttpBundleSource implements BundleSource {
  readonly name: string;
  readonly #request: BundleRequestOptions;
  readonly #rhythm: Rhythm;
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  #etag: string | undefined;
  /** Whether the server said, by its content type, that it holds answers back. */
  #longPolls = false;
  #cancel: () => void = () => {};

  constructor(request: BundleRequestOptions, rhythm: Rhythm) {
    const { origin, pathname } = new URL(request.url);
    this.name = `${origin}${pathname}`;
    this.#request = request;
    this.#rhythm = rhythm;
    this.#clock = rhythm.clock ?? createSystemClock({ unref: true });
  }

  async read(wait: boolean) {
    const waitSeconds = wait && this.#longPolls ? this.#rhythm.longPollSeconds : 0;
    const conditions = { etag: this.#etag, waitSeconds, signal: this.#ending.signal };
    const answer: BundleAnswer = await requestBundle(this.#request, conditions);
    this.#longPolls = answer.longPolls ?? this.#longPolls;
    const { bytes, etag } = answer;
    if (bytes === undefined) return undefined;
    const accepted = () => {
      this.#etag = etag;
    };
    return { bytes, accepted };
  }

  follow(look: (wait: boolean) => Promise<boolean>): void {
    const backoff = createExponentialBackoff({ initialMs: 1000, maxMs: 60_000, ...this.#rhythm.backoff });
    const next = (delayMs: number): void => {
      if (!this.#ending.signal.aborted) this.#cancel = this.#clock.schedule(delayMs, () => void ask());
    };
    const ask = async (): Promise<void> => {
      const fine = await look(true);
      if (fine) backoff.reset();
      next(fine ? this.#pause() : backoff.next('unavailable'));
    };
    next(this.#pause());
  }

  close(): void {
    this.#ending.abort();
    this.#cancel();
  }

  #pause(): number {
    const [min, max] = this.#rhythm.pollMs;
    if (this.#longPolls && this.#rhythm.longPollSeconds > 0) return Math.min(LONG_POLL_PAUSE_MS, min);
    return min + Math.random() * (max - min);
  }
}
