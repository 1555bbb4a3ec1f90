/** A pod's loopback, for as long as it is used, on a free port of ours: customer listens nowhere else. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LocalStackError } from '../errors.ts';
import { loopback } from '../ports.ts';
import { context, program } from './kubectl.ts';

/** Whose port, and which. */
export interface ForwardTarget {
  readonly namespace: string;
  /** `deploy/customer` */
  readonly target: string;
  readonly port: number;
  /** Ours; default: any free one. */
  readonly localPort?: number;
}

/** A forwarded port. */
export interface Forward extends AsyncDisposable {
  readonly port: number;
  /** Resolves when kubectl has ended, by itself or because it was told to. */
  readonly ended: Promise<void>;
}

const readyTimeoutMs = 15_000;

/** @throws {LocalStackError} `CLUSTER_FAILED` with what kubectl said */
export async function forwardPort({ namespace, target, port, localPort }: ForwardTarget): Promise<Forward> {
  const args = ['--context', context, 'port-forward', '-n', namespace, `--address=${loopback}`, target];
  const child = spawn(program, [...args, `${localPort ?? ''}:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-800);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  const failed = ended.then(() => {
    throw new LocalStackError('CLUSTER_FAILED', `kubectl port-forward ${target} ${port}: ${said.trim() || 'it ended'}`);
  });
  const lines = createInterface({ input: child.stdout });
  const opened = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new LocalStackError(
          'CLUSTER_FAILED',
          `kubectl port-forward ${target} ${port}: not open within ${readyTimeoutMs / 1000} s`,
        ),
      );
    }, readyTimeoutMs);
    void ended.then(() => clearTimeout(timer));
    lines.on('line', (line) => {
      const found = /^Forwarding from 127\.0\.0\.1:(\d+) ->/.exec(line)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(Number(found));
    });
  });
  try {
    const forwarded = await Promise.race([opened, failed]);
    failed.catch(() => {});
    return {
      port: forwarded,
      ended,
      async [Symbol.asyncDispose]() {
        child.kill();
        await ended;
      },
    };
  } catch (error) {
    failed.catch(() => {});
    child.kill();
    throw error;
  }
}
