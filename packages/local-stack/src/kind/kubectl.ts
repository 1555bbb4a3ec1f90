/** `kubectl`, always with our own context: whatever else a person's kubeconfig points to is never touched. */
import { type JsonObject, parseObject } from './json.ts';
import { type RunProgram, runProgram } from './run-program.ts';

/** kind calls the context of the cluster `countersign` so; the node of our own CI takes the same name. */
export const context = 'kind-countersign';

/** Found on PATH. */
export const program = 'kubectl';

/** Talks to the cluster. */
export interface Kubectl {
  /** Runs `kubectl <args>` and gives what it printed. @throws {LocalStackError} `CLUSTER_FAILED` */
  run(args: readonly string[], input?: string): Promise<string>;
  /** What it is called with, for those who run it themselves. */
  arguments(args: readonly string[]): string[];
  /** `kubectl get <args> -o json`, read. */
  get(args: readonly string[]): Promise<JsonObject>;
}

/** Makes it. */
export function createKubectl(run: RunProgram = runProgram): Kubectl {
  const kubectl: Kubectl = {
    arguments: (args) => ['--context', context, ...args],
    run: (args, input) => run(program, kubectl.arguments(args), input),
    get: async (args) =>
      parseObject(await kubectl.run(['get', ...args, '-o', 'json']), `kubectl get ${args.join(' ')}`),
  };
  return kubectl;
}
