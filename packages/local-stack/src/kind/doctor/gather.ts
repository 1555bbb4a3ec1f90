/** Gathers the facts: asks programs for their versions, Docker for its size, the kernel for its limits. Changes nothing. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { LocalStackError, messageOf, systemErrorCode } from '../../errors.ts';
import { loopback } from '../../ports.ts';
import { at, parseObject, textAt, textsAt } from '../json.ts';
import { context } from '../kubectl.ts';
import type { RunProgram } from '../run-program.ts';
import type { EngineFacts, InotifyFacts, KindFacts, PortFacts, ToolFacts, ToolName } from './facts.ts';

/** How each is asked for its version. */
const QUESTIONS: Readonly<Record<ToolName, readonly string[]>> = {
  docker: ['--version'],
  kind: ['version'],
  kubectl: ['version', '--client'],
  helm: ['version', '--short'],
  tilt: ['version'],
};
const TOOLS: readonly ToolName[] = ['docker', 'kind', 'kubectl', 'helm', 'tilt'];

const PORTS: ReadonlyArray<{ port: number; use: string }> = [
  { port: 5001, use: "the cluster's registry" },
  { port: 8080, use: 'customer' },
  { port: 8090, use: 'console' },
  { port: 16686, use: 'Jaeger' },
];

/** @param run runs a program quietly */
export async function gatherKindFacts(run: RunProgram): Promise<KindFacts> {
  const ask = (program: string, args: readonly string[]) => run(program, args).catch(() => '');
  const [tools, engine, clusters, contexts, registry] = await Promise.all([
    Promise.all(TOOLS.map((name) => gatherTool(run, name))),
    gatherEngine(run),
    ask('kind', ['get', 'clusters']),
    ask('kubectl', ['config', 'get-contexts', '-o', 'name']),
    ask('docker', ['inspect', '--format', '{{.State.Status}}', 'countersign-registry']),
  ]);
  const inotify = gatherInotify();
  const names = linesOf(contexts);
  // What the cluster itself holds is its own; then the ports are not asked.
  const own = linesOf(clusters).includes('countersign');
  return {
    tools,
    engine,
    ports: own ? [] : await Promise.all(PORTS.map(gatherPort)),
    clusters: linesOf(clusters),
    contexts: names,
    ...(inotify === undefined ? {} : { inotify }),
    ...(names.includes(context) ? { apiServer: await gatherApiServer(run) } : {}),
    ...(registry.trim() === '' ? {} : { registry: registry.trim() }),
  };
}

async function gatherTool(run: RunProgram, name: ToolName): Promise<ToolFacts> {
  try {
    const answer = await run(name, QUESTIONS[name]);
    const version = /v?(\d+\.\d+(?:\.\d+)?)/.exec(answer)?.[1];
    return { name, version: version ?? 'of an unknown version' };
  } catch (error) {
    return error instanceof LocalStackError && /not on PATH/.test(error.message)
      ? { name }
      : { name, version: 'of an unknown version' };
  }
}

async function gatherEngine(run: RunProgram): Promise<EngineFacts> {
  try {
    const info = parseObject(await run('docker', ['info', '--format', '{{json .}}']), 'docker info');
    const [problem] = textsAt(info, 'ServerErrors');
    if (problem !== undefined) return { state: 'down', message: problem };
    return { state: 'up', memoryBytes: Number(at(info, 'MemTotal') ?? 0), cpus: Number(at(info, 'NCPU') ?? 0) };
  } catch (error) {
    return { state: 'down', message: messageOf(error) };
  }
}

/** Where there is none, the nodes' kernel is not this machine's. */
function gatherInotify(): InotifyFacts | undefined {
  try {
    const read = (name: string) => Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
    return { maxUserWatches: read('max_user_watches'), maxUserInstances: read('max_user_instances') };
  } catch {
    return undefined;
  }
}

async function gatherApiServer(run: RunProgram): Promise<{ answers: boolean; message: string }> {
  try {
    const text = await run('kubectl', ['--context', context, '--request-timeout=5s', 'version', '-o', 'json']);
    return { answers: true, message: textAt(parseObject(text, 'kubectl version'), 'serverVersion', 'gitVersion') };
  } catch (error) {
    return { answers: false, message: messageOf(error) };
  }
}

function gatherPort({ port, use }: { port: number; use: string }): Promise<PortFacts> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) =>
      resolve({ port, use, problem: `can't be bound (${systemErrorCode(error) ?? error.message})` }),
    );
    server.listen(port, loopback, () => server.close(() => resolve({ port, use })));
  });
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
