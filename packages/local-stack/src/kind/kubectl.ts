/** `kubectl`, always with our own context: whatever else a person's kubeconfig points to is never touched. */
import { parseObject, type JsonObject } from './json.ts';
import { type RunProgram, runProgram } from './run-program.ts';

/** kind calls the context of the cluster `countersign` so; the node of our own CI takes the same name. */
export const context = 'kind-countersign';

/** Talks to the cluster. */
export interface Kubectl {
  /** Runs `kubectl <args>` and gives what it printed. @throws {LocalStackError} `CLUSTER_FAILED` */
  run(args: readonly string[], input?: string): Promise<string>;
  /** The same with `-o json`, read. */
  get(args: readonly string[]): Promise<JsonObject>;
}

/** Makes it. */
export function createKubectl(run: RunProgram = runProgram): Kubectl {
  const kubectl: Kubectl = {
    run: (args, input) => run('kubectl', ['--context', context, ...args], input),
    get: async (args) => parseObject(await kubectl.run(['get', ...args, '-o', 'json']), `kubectl get ${args.join(' ')}`),
  };
  return kubectl;
}
