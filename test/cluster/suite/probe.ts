/** A program inside a pod that makes calls under that pod's identity, one after the other, as it is told. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LogRecord } from '@countersign/local-stack';
import { startKubectl } from './kubectl.ts';
import { NAMESPACES } from './names.ts';
import type { ProbeAnswer, ProbeRequest, ProbeSvid } from './probe-protocol.ts';
import { NODE } from './twin.ts';

const PROGRAM = readFileSync(new URL('./probe-main.ts', import.meta.url), 'utf8');
const ANSWER_MS = 30_000;

/** The program. */
export interface Probe extends AsyncDisposable {
  ask(request: ProbeRequest): Promise<ProbeAnswer>;
  /** The pod's identity, as soon as it has one. */
  identity(): Promise<ProbeSvid>;
}

/** Starts it in a container of an image of ours. */
export function startProbe(pod: string, container: string): Probe {
  const command = [NODE, '--input-type=module-typescript', '--eval', PROGRAM];
  const args = ['--namespace', NAMESPACES.shop, 'exec', '--stdin', pod, '--container', container, '--', ...command];
  const running = startKubectl(args);
  const answers = createInterface({ input: running.child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: ProbeRequest): Promise<ProbeAnswer> => {
    running.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await withinTime(Promise.race([answers.next(), running.ended]));
    if (done === true) throw new Error(`the probe in ${pod} ended`);
    return JSON.parse(value);
  };
  return {
    ask,
    async identity() {
      const { svid, text } = await ask({ what: 'identity' });
      if (svid === undefined) throw new Error(`${pod} has no identity: ${text}`);
      return svid;
    },
    async [Symbol.asyncDispose]() {
      running.child.stdin.end();
      await running[Symbol.asyncDispose]();
    },
  };
}

async function withinTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer of the probe within ${ANSWER_MS / 1_000} s`)), ANSWER_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The record by which a server refused the connection that an answer was for. */
export function isRefusalOf({ port }: ProbeAnswer): (record: LogRecord) => boolean {
  return ({ event, remote }) =>
    event === 'refused' && port !== undefined && new Map(Object.entries(remote ?? {})).get('port') === port;
}
