/**
 * What the adapters' tests share: sources made of a test CA, and records of refusals that can be waited for. Only tests
 * import it.
 */
import { createTestCa, type IssuedSvid, type IssueOptions, type TestCa } from '@countersign/testkit';
import type { Clock } from '../src/clock.ts';
import type { RefusalRecord } from '../src/refusal.ts';
import { SpiffeId } from '../src/spiffe-id.ts';
import { createStaticX509Source, type StaticX509Source } from '../src/static-source.ts';
import { X509Bundle, X509BundleSet } from '../src/x509-bundle.ts';
import type { X509Context } from '../src/x509-source.ts';

/** The trust domain of most tests. */
export const TRUST_DOMAIN = 'example.org';

/** The SPIFFE ID of a workload of a trust domain. */
export function idOf(path: string, trustDomain = TRUST_DOMAIN): SpiffeId {
  return SpiffeId.parse(`spiffe://${trustDomain}/${path}`);
}

/** A workload's source, and how to rotate it. */
export interface TestWorkload {
  readonly id: SpiffeId;
  readonly source: StaticX509Source;
  /** The serial number of the SVID it presents now. */
  serial(): string;
  /** Gives it a new SVID, by default of the same CA with the same bundles. */
  rotate(change?: { readonly ca?: TestCa; readonly issue?: IssueOptions }): Promise<void>;
  /** Changes only the bundles. */
  trust(...bundles: X509Bundle[]): void;
}

/** Makes a workload with an SVID. */
export async function createWorkload(
  ca: TestCa,
  path: string,
  options: { readonly issue?: IssueOptions; readonly bundles?: readonly X509Bundle[] } = {},
): Promise<TestWorkload> {
  const issued = await ca.issue({ ...options.issue, path: `/${path}` });
  const source = createStaticX509Source(contextOf(issued, options.bundles ?? [ca.bundle()]));
  return {
    id: issued.svid().id,
    source,
    serial: () => source.current().svid.leaf.serialNumber,
    async rotate(change = {}) {
      const next = await (change.ca ?? ca).issue({ ...change.issue, path: `/${path}` });
      const { bundles } = source.current();
      source.update({ svid: next.svid(), svids: [next.svid()], bundles });
    },
    trust(...bundles) {
      const { svid, svids } = source.current();
      source.update({ svid, svids, bundles: X509BundleSet.of(...bundles) });
    },
  };
}

/** A snapshot with one SVID. */
export function contextOf(issued: IssuedSvid, bundles: readonly X509Bundle[]): X509Context {
  const svid = issued.svid();
  return { svid, svids: [svid], bundles: X509BundleSet.of(...bundles) };
}

/** A CA of the usual trust domain. */
export function createCa(trustDomain = TRUST_DOMAIN): Promise<TestCa> {
  return createTestCa({ trustDomain });
}

/** One bundle with the CAs of one trust domain. */
export function bundleOf(...cas: readonly [TestCa, ...TestCa[]]): X509Bundle {
  return new X509Bundle(
    cas[0].trustDomain,
    cas.map((ca) => ca.certificate()),
  );
}

/** Collects refusals, and lets a test wait for the next one. */
export class RefusalLog {
  readonly records: RefusalRecord[] = [];
  readonly #waiting: Array<(record: RefusalRecord) => void> = [];
  #taken = 0;

  readonly onRefused = (record: RefusalRecord): void => {
    this.records.push(record);
    this.#serve();
  };

  /** The first record that no call got yet. */
  next(): Promise<RefusalRecord> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#serve();
    });
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#taken < this.records.length) {
      const record = this.records[this.#taken];
      this.#taken += 1;
      if (record !== undefined) this.#waiting.shift()?.(record);
    }
  }
}

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #now = Date.now();
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time, and calls back what was due meanwhile, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#earliest(end); next !== undefined; next = this.#earliest(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** Moves time without calling back: what happens while the event loop is busy. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Timers that nobody cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  #earliest(until: number) {
    return [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}
