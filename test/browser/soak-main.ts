/**
 * The page for a long time: `node test/browser/soak-main.ts [seconds]` keeps 50 orders a second flowing while it is open, and
 * prints what page, console and services take over time. Ends with 1 when a task of the page took more than 100 ms, an order
 * failed, or the last third needed more than the middle one.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CDPSession } from 'playwright-core';
import { type Lab, type OpenConsole, startLab } from './lab.ts';

const PARTS = ['console', 'customer', 'backend', 'db-client'] as const;
const EVERY_MS = 10_000;
const LONG_TASK_MS = 100;
/** The page has drawn itself by then: before, tasks are as long as the machine is slow. */
const SETTLED_MS = 10_000;
/** What may be in use more at the end than in the middle: garbage that was not collected yet. */
const GROWTH = 1.15;

interface Sample {
  readonly second: number;
  /** MiB by part, the page's heap among them. */
  readonly memory: Readonly<Record<string, number>>;
}

const seconds = Number(process.argv[2] ?? 600);
// The load ends by itself after a quarter of an hour.
if (!Number.isInteger(seconds) || seconds < 60 || seconds > 840)
  throw new TypeError(`soak: a whole number of seconds from 60 to 840, got ${process.argv[2]}`);
const lab = await startLab({ svidTtlMs: 60_000 });
try {
  process.exitCode = (await soak(lab)) ? 0 : 1;
} finally {
  await lab.close();
}

async function soak(lab: Lab): Promise<boolean> {
  await using view = await lab.open();
  await view.context.addInitScript({
    path: fileURLToPath(new URL('./in-page/observe-long-tasks.js', import.meta.url)),
  });
  await view.page.reload();
  await view.untilLive();
  const session = await view.context.newCDPSession(view.page);
  const samples: Sample[] = [];
  await view.setLoad(50);
  const startedAt = performance.now();
  for (let second = 0; second < seconds; second = Math.round((performance.now() - startedAt) / 1_000)) {
    await view.page.waitForTimeout(EVERY_MS);
    samples.push(await sample(lab, session, second));
    console.log(lineOf(samples.at(-1)));
  }
  const { sent, failed } = await view.load();
  await view.setLoad(0);
  const tasks = await longTasks(view);
  const grown = Object.keys(samples[0]?.memory ?? {}).filter((part) => grew(samples, part));
  console.log(`orders: ${sent} sent, ${failed} failed, ${(sent / seconds).toFixed(1)} a second`);
  console.log(`tasks over ${LONG_TASK_MS} ms: ${tasks.length}${tasks.length === 0 ? '' : `, ${tasks.join(', ')} ms`}`);
  console.log(`grew: ${grown.length === 0 ? 'nothing' : grown.join(', ')}`);
  view.assertClean();
  return failed === 0 && tasks.length === 0 && grown.length === 0;
}

async function sample(lab: Lab, session: CDPSession, second: number): Promise<Sample> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const memory: Record<string, number> = { page: usedSize / 2 ** 20 };
  for (const part of PARTS) memory[part] = residentMiB(lab.system.pidOf(part));
  return { second, memory };
}

/** Linux alone says it so. */
function residentMiB(pid: number | undefined): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1_024;
}

async function longTasks(view: OpenConsole): Promise<number[]> {
  const tasks: { startTime: number; duration: number }[] = await view.page.evaluate('globalThis.longTasks');
  return tasks
    .filter(({ startTime, duration }) => startTime > SETTLED_MS && duration > LONG_TASK_MS)
    .map(({ duration }) => Math.round(duration));
}

function grew(samples: readonly Sample[], part: string): boolean {
  const third = Math.floor(samples.length / 3);
  const mean = (some: readonly Sample[]) =>
    some.reduce((sum, { memory }) => sum + (memory[part] ?? 0), 0) / Math.max(1, some.length);
  return mean(samples.slice(-third)) > GROWTH * mean(samples.slice(third, 2 * third));
}

function lineOf(sample: Sample | undefined): string {
  const parts = Object.entries(sample?.memory ?? {}).map(([part, mib]) => `${part} ${mib.toFixed(1)}`);
  return `${String(sample?.second).padStart(5)} s  MiB: ${parts.join('  ')}`;
}
