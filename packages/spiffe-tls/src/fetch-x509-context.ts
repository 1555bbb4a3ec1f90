/**
 * Asks the Workload API once: for programs that need an identity now and don't live long enough to see it change.
 */
import { createWorkloadApiX509Source, type WorkloadApiX509SourceOptions } from './workload-api-source.ts';
import type { X509Context } from './x509-source.ts';

/** Options of {@link fetchX509Context}: those of a source that make sense for one answer. */
export type FetchX509ContextOptions = Pick<
  WorkloadApiX509SourceOptions,
  'endpoint' | 'env' | 'signal' | 'hint' | 'picker' | 'ownSvidChecks' | 'now' | 'clock' | 'random' | 'backoff'
> & {
  /** How long to keep asking, so that a process which starts together with its registration gets it. Default 30 000. */
  readonly timeoutMs?: number;
};

/**
 * The first complete state that the Workload API sends. The stream is cancelled before this returns, or fails.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT`, `SOURCE_TIMEOUT` (its `cause` is what the API said last), `SOURCE_CLOSED` when
 * aborted, `WORKLOAD_API` when asking again can't help.
 * @example
 * const { svid, bundles } = await fetchX509Context({ env: process.env, timeoutMs: 5000 });
 */
export async function fetchX509Context(options: FetchX509ContextOptions = {}): Promise<X509Context> {
  const { timeoutMs, ...sourceOptions } = options;
  const source = createWorkloadApiX509Source({
    ...sourceOptions,
    ...(timeoutMs === undefined ? {} : { initialTimeoutMs: timeoutMs }),
  });
  try {
    return await source.ready();
  } finally {
    source.close();
  }
}
