/**
 * An X.509 source fed by files: for pods with cert-manager's csi-driver-spiffe, and beside spiffe-helper. It looks when
 * the directory's watcher hints at a change and from time to time anyway, and believes nothing that is half written.
 *
 * A Kubernetes volume changes atomically, so what it holds is judged at once. spiffe-helper writes three files one after
 * another: a change there has to be the same in two reads, and a key that does not fit its certificate is read again.
 */
import { dirname, resolve } from 'node:path';
import type { Clock } from './clock.ts';
import { createDirectoryWatch, type DirectoryWatch } from './directory-watch.ts';
import { refusal, SpiffeTlsError } from './errors.ts';
import { type FileSet, readFileSet } from './file-set.ts';
import {
  checkLifecycleOptions,
  type LiveX509Source,
  type LiveX509SourceOptions,
  SourceLifecycle,
  sourceClock,
  type X509SourceHealth,
} from './source-lifecycle.ts';
import { checkOwnSvids } from './x509-context.ts';
import {
  filesOf,
  parseX509Files,
  resolveLayout,
  type X509FileLayout,
  type X509FileNames,
  type X509FileProducer,
} from './x509-file-layout.ts';
import type { X509Context, X509SourceEvent } from './x509-source.ts';

const POLL_MS = 30_000;
/** How long after a hint the files are read: a producer that writes one file is about to write the others. */
const DEBOUNCE_MS = 50;
/** How far apart two reads are that must agree, where the producer does not write atomically. */
const SETTLE_MS = 50;
/** Waits before reading again what could not be used, before anybody is told of it. */
const RETRY_MS = [50, 100, 200, 400, 500] as const;
/** The wait after those, while there is no identity yet. */
const WAITING_RETRY_MS = 500;

/** Options of {@link createFileX509Source}. */
export interface FileX509SourceOptions extends LiveX509SourceOptions {
  /** The directory that the producer writes to. */
  readonly directory: string;
  /**
   * Who writes: `csi-driver-spiffe` (`tls.crt`, `tls.key`, `ca.crt`; also a mounted cert-manager Secret) or
   * `spiffe-helper` (`svid.pem`, `svid_key.pem`, `svid_bundle.pem`).
   */
  readonly producer: X509FileProducer;
  /** Other names of the files, relative to `directory` or absolute. */
  readonly names?: Partial<X509FileNames>;
  /**
   * A bundle file for each trust domain by its name, the own one among them, instead of the producer's bundle file. Needed
   * for federation, for CAs that do not name their trust domain, and for intermediates as anchors. What a file holds is
   * trusted for that trust domain alone.
   */
  readonly bundles?: Readonly<Record<string, string>>;
  /** How often the files are read without a hint. Default 30 000; sane from 1000 to 60 000. */
  readonly pollIntervalMs?: number;
  /** Whether to watch directories. Default `true`; `false` leaves it to the polling. */
  readonly watch?: boolean;
  /** What to do with a private key that users outside its group may read: `reject` it (default) or `ignore` that. */
  readonly exposedKey?: 'reject' | 'ignore';
}

/**
 * Opens a source on files and begins to read at once. The files that are there in the beginning may be incomplete: it waits
 * for good ones as long as `initialTimeoutMs` says. Later, whatever is wrong with them is an `error` event and shows in
 * `health()`, and the last good state stays in use.
 * @throws {TypeError} when an option is of no use.
 * @throws {SpiffeTlsError} `INVALID_TRUST_DOMAIN` for a key of `bundles`.
 * @example
 * const source = createFileX509Source({ directory: '/var/run/secrets/spiffe.io', producer: 'csi-driver-spiffe' });
 * const { svid } = await source.ready();
 */
export function createFileX509Source(options: FileX509SourceOptions): LiveX509Source {
  const { directory, pollIntervalMs = POLL_MS } = options;
  if (typeof directory !== 'string' || directory === '') throw new TypeError('x509 source: "directory" must be a path');
  if (!(pollIntervalMs > 0 && Number.isFinite(pollIntervalMs)))
    throw new TypeError(`x509 source: pollIntervalMs must be > 0, got ${pollIntervalMs}`);
  checkLifecycleOptions(options);
  return new FileSource(resolveLayout(options), options);
}

class FileSource implements LiveX509Source {
  readonly #options: FileX509SourceOptions;
  readonly #layout: X509FileLayout;
  readonly #files: readonly string[];
  readonly #clock: Clock;
  readonly #lifecycle: SourceLifecycle;
  readonly #watch: DirectoryWatch;
  #next: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #reading = false;
  #hinted = false;
  #readable = false;
  #failures = 0;
  /** What was read last and has to be read once more before it counts. */
  #unsettled: string | undefined;
  #inUse: { readonly hash: string; readonly context: X509Context } | undefined;

  constructor(layout: X509FileLayout, options: FileX509SourceOptions) {
    this.#options = options;
    this.#layout = layout;
    this.#files = filesOf(layout);
    this.#clock = sourceClock(options);
    const directories = this.#files.map((file) => dirname(resolve(options.directory, file)));
    this.#watch = createDirectoryWatch(options.watch === false ? [] : directories, () => this.#onHint());
    const silence = 'the files have not been read yet';
    this.#lifecycle = new SourceLifecycle(this.#clock, { ...options, silence, onClose: () => this.#stop() });
    void this.#look();
    this.#lifecycle.obeySignal();
  }

  current(): X509Context {
    return this.#lifecycle.current();
  }

  subscribe(listener: (event: X509SourceEvent) => void): () => void {
    return this.#lifecycle.subscribe(listener);
  }

  ready(): Promise<X509Context> {
    return this.#lifecycle.ready;
  }

  health(): X509SourceHealth {
    const next = this.#next;
    return this.#lifecycle.health({ connected: this.#readable, ...(next && { nextAttemptMs: next.atMs }) });
  }

  close(): void {
    this.#lifecycle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  get #ended(): boolean {
    const { type } = this.#lifecycle.state;
    return type === 'closed' || type === 'stopped';
  }

  #stop(): void {
    this.#next?.cancel();
    this.#next = undefined;
    this.#watch.close();
  }

  #onHint(): void {
    if (this.#reading) this.#hinted = true;
    else if (this.#next !== undefined && this.#next.atMs > this.#clock.now() + DEBOUNCE_MS) this.#lookIn(DEBOUNCE_MS);
  }

  #lookIn(delayMs: number): void {
    this.#next?.cancel();
    const cancel = this.#clock.schedule(delayMs, () => void this.#look());
    this.#next = { atMs: this.#clock.now() + delayMs, cancel };
  }

  /** Reads and judges, then waits. Never rejects: each failure has become an event and a state. */
  async #look(): Promise<void> {
    this.#reading = true;
    // Before reading, so that nothing changes unseen between the two.
    this.#watch.renew();
    const delayMs = await this.#readAndJudge();
    this.#reading = false;
    if (this.#ended) {
      this.#stop();
      return;
    }
    this.#lookIn(this.#hinted ? Math.min(delayMs, DEBOUNCE_MS) : delayMs);
    this.#hinted = false;
  }

  /** Returns when to look again, in milliseconds. */
  async #readAndJudge(): Promise<number> {
    try {
      const set = await readFileSet(this.#options.directory, this.#files);
      this.#readable = set.contents.every((content) => content !== undefined);
      return this.#ended ? 0 : this.#judge(set);
    } catch (cause) {
      this.#readable = false;
      return this.#ended ? 0 : this.#failed(asFileError(cause), false);
    }
  }

  #judge(set: FileSet): number {
    if (set.hash === this.#inUse?.hash) return this.#accept(this.#inUse);
    if (!set.atomic && set.hash !== this.#unsettled) {
      this.#unsettled = set.hash;
      return SETTLE_MS;
    }
    try {
      return this.#accept({ hash: set.hash, context: this.#read(set) });
    } catch (cause) {
      return this.#failed(asFileError(cause), set.atomic);
    }
  }

  #read({ contents, modes }: FileSet): X509Context {
    this.#checkKeyMode(modes[this.#files.indexOf(this.#layout.names.privateKey)] ?? 0);
    const material = parseX509Files(this.#layout, (name) => contents[this.#files.indexOf(name)]);
    const mode = this.#options.ownSvidChecks ?? 'reject';
    try {
      if (mode !== 'off') checkOwnSvids(material, this.#clock.now());
    } catch (cause) {
      if (mode === 'reject') throw cause;
      this.#lifecycle.warn(asFileError(cause));
    }
    return Object.freeze({ svid: material.svids[0], svids: material.svids, bundles: material.bundles });
  }

  #checkKeyMode(mode: number): void {
    if (this.#options.exposedKey === 'ignore' || process.platform === 'win32' || (mode & 0o007) === 0) return;
    const rule = 'the private key must be for its user and group alone (mode 0600 or 0440)';
    throw refusal('PRIVATE_KEY_EXPOSED', 'x509 files', rule, `0${mode.toString(8)}`);
  }

  #accept(state: { readonly hash: string; readonly context: X509Context }): number {
    this.#failures = 0;
    this.#unsettled = undefined;
    const before = this.#lifecycle.state;
    const isNews = state !== this.#inUse || (before.type === 'ready' && before.lastError !== undefined);
    this.#inUse = state;
    if (isNews) this.#lifecycle.apply({ type: 'context', context: state.context });
    return this.#options.pollIntervalMs ?? POLL_MS;
  }

  /** @param whole that no write was in progress: then reading again at once can't help, and it is told at once. */
  #failed(error: SpiffeTlsError, whole: boolean): number {
    const retryMs = whole ? undefined : RETRY_MS[this.#failures];
    this.#failures += 1;
    if (retryMs !== undefined) return retryMs;
    const waiting = this.#lifecycle.state.type === 'waiting';
    const unreadable = error.code === 'FILE_UNREADABLE';
    if (waiting && error.code === 'BUNDLE_MISSING') {
      // A mistake in the deployment, which no waiting mends: say so instead of running into the deadline.
      this.#lifecycle.apply({ type: 'failure', failure: { kind: 'fatal', error } });
    } else if (unreadable) {
      this.#lifecycle.apply({ type: 'failure', failure: { kind: 'unavailable', error } });
    } else {
      this.#lifecycle.apply({ type: 'bad-message', error });
    }
    return waiting ? WAITING_RETRY_MS : (this.#options.pollIntervalMs ?? POLL_MS);
  }
}

/** What is thrown while files are read is about the files: nothing else may end the looking. */
function asFileError(cause: unknown): SpiffeTlsError {
  if (cause instanceof SpiffeTlsError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SpiffeTlsError('FILE_UNREADABLE', `x509 files: could not be used: ${message}`, { cause });
}
