/**
 * A workload on the Workload API: what messages with many bundles, and many messages, cost its process.
 */
import { createWorkloadApiX509Source, SpiffeId, verifyPeer, type WorkloadApiX509Source } from '@countersign/spiffe-tls';
import { type Adapters, openAdapters } from './adapters.ts';
import { cpuSeconds } from './load.ts';
import { summarizeStep } from './step-figures.ts';
import { serveCommands } from './worker.ts';

/** What the process can be asked for. */
export type WorkloadCommands = typeof commands;

let source: WorkloadApiX509Source | undefined;
let adapters: Adapters | undefined;

const commands = {
  /** Opens a source and waits for its first identity; gives the CPU time that it took, and what it left on the heap. */
  async open(socketPath: string): Promise<{ cpuMs: number; heapBytes: number }> {
    source?.close();
    const heapBefore = heapBytes();
    const cpuBefore = cpuSeconds();
    source = createWorkloadApiX509Source({ endpoint: `unix://${socketPath}` });
    await source.ready();
    const cpuMs = (cpuSeconds() - cpuBefore) * 1_000;
    return { cpuMs, heapBytes: heapBytes() - heapBefore };
  },
  /** Puts servers and clients of ours on the source, with an open connection between them. */
  async openAdapters(): Promise<void> {
    adapters = await openAdapters(opened());
  },
  /** Settles when this many updates have come; gives the CPU time until then. */
  async expectUpdates(count: number): Promise<{ cpuMs: number }> {
    const cpuBefore = cpuSeconds();
    await updatesOf(opened(), count);
    return { cpuMs: (cpuSeconds() - cpuBefore) * 1_000 };
  },
  /** Judges a peer this many times, by the bundles of the moment; the median. */
  judge({ peerId, chain, samples }: { peerId: string; chain: readonly string[]; samples: number }): number {
    const ders = chain.map((der) => Buffer.from(der, 'base64'));
    const authorize = (id: SpiffeId) => (id.equals(SpiffeId.parse(peerId)) ? undefined : peerId);
    const { bundles } = opened().current();
    const timesUs = Array.from({ length: samples }, () => {
      const startedNs = process.hrtime.bigint();
      verifyPeer({ chain: ders, role: 'client', bundles, nowMs: Date.now(), authorize });
      return Number(process.hrtime.bigint() - startedNs) / 1_000;
    });
    return summarizeStep('verdict', timesUs).p50Us;
  },
  /** What is in use after a collection. */
  heapBytes,
  /** Checks that the open connections still answer, then closes everything. */
  async close(): Promise<void> {
    await adapters?.close();
    source?.close();
  },
};

serveCommands(commands);

function opened(): WorkloadApiX509Source {
  if (source === undefined) throw new TypeError('bench: "open" comes first');
  return source;
}

function updatesOf(from: WorkloadApiX509Source, count: number): Promise<void> {
  let left = count;
  return new Promise((resolve, reject) => {
    const stop = from.subscribe((event) => {
      if (event.type !== 'update') return reject(event.error);
      left -= 1;
      if (left > 0) return;
      stop();
      resolve();
    });
  });
}

function heapBytes(): number {
  if (globalThis.gc === undefined) throw new TypeError('bench: needs --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
