/** A cluster for tests: answers to kubectl by the words of the command, and a log that tests write to. */
import type { RunProgram } from './run-program.ts';

/** One command that was run. */
export interface RanCommand {
  readonly words: string;
  readonly input: string;
}

/** Answers, in order of precedence: the first pattern that fits. */
export type Answers = ReadonlyArray<readonly [words: RegExp, answer: string | ((command: RanCommand) => string)]>;

/** The cluster. */
export interface FakeCluster {
  readonly run: RunProgram;
  readonly ran: readonly RanCommand[];
  /** Appends a line to a container's log. */
  log(pod: string, container: string, line: object | string): void;
}

/** @throws from `run` for a command that no answer fits: nothing passes unnoticed */
export function fakeCluster(answers: Answers): FakeCluster {
  const ran: RanCommand[] = [];
  const lines: string[] = [];
  return {
    ran,
    log: (pod, container, line) =>
      void lines.push(
        `[pod/${pod}/${container}] ${timeOf(lines.length)} ${typeof line === 'string' ? line : JSON.stringify(line)}`,
      ),
    run: (program, args, input = '') => {
      const command = { words: [program, ...args].join(' '), input };
      ran.push(command);
      if (command.words.includes(' logs ')) return Promise.resolve(lines.join('\n'));
      const found = answers.find(([pattern]) => pattern.test(command.words));
      if (found === undefined) return Promise.reject(new Error(`the test has no answer to: ${command.words}`));
      const [, answer] = found;
      return Promise.resolve().then(() => (typeof answer === 'string' ? answer : answer(command)));
    },
  };
}

/** `kubectl get pods -o json` of these names, all running. */
export function podsDocument(...names: readonly string[]): string {
  return JSON.stringify({ items: names.map((name) => ({ metadata: { name }, status: { phase: 'Running' } })) });
}

/** No waiting that a test has to sit through. */
export const impatient = { timeoutMs: 50, intervalMs: 1 };

/** A nanosecond later each. */
function timeOf(index: number): string {
  return `2026-01-02T03:04:05.${String(index).padStart(9, '0')}Z`;
}
