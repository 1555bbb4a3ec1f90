/**
 * SPIRE without the system: server and agent of any trust domain, for what takes more than one of them or no service at all.
 */
import { TrustDomain } from '@countersign/spiffe-tls';
import { findFreePort } from '../ports.ts';
import { makeOwnDirectory } from '../state-directory.ts';
import { assertPrograms } from './accounts.ts';
import { createSpireCommand } from './command.ts';
import { agentIdOf, rootFiles } from './config-files.ts';
import { createSpireCommands, type SpireCommands } from './control.ts';
import { layOutSpire, makeSpireFolders } from './layout.ts';
import type { SpireOptions } from './provider.ts';
import { replaceRoot } from './root-ca.ts';
import { runSpireSidecar } from './sidecar.ts';
import type { Log } from './watched-process.ts';

/** How to start one. */
export interface StandaloneSpireOptions extends Pick<SpireOptions, 'server' | 'agent'> {
  readonly trustDomain: string;
  /** Where its data is; one running SPIRE each. */
  readonly directory: string;
  /** Takes what server and agent say. */
  readonly log?: Log;
}

/** A running server with its agent, under a root on disk. */
export interface StandaloneSpire extends SpireCommands, AsyncDisposable {
  readonly trustDomain: TrustDomain;
  /** The agent's Workload API, `unix:///...`. */
  readonly socket: string;
  /** SPIFFE ID that entries name as their parent. */
  readonly agentId: string;
  /** Where the bundle is served by profile `https_spiffe`. */
  readonly bundleEndpoint: { readonly url: string; readonly spiffeId: string };
  /** PEM files of the root. */
  readonly root: { readonly certificate: string; readonly key: string };
  /** As `SpireControl.replaceRoot`. */
  replaceRoot(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts one, and resolves when its agent answers.
 * @throws {LocalStackError} `SPIRE_FAILED`, `SPIRE_UNAVAILABLE`
 */
export async function startStandaloneSpire(options: StandaloneSpireOptions): Promise<StandaloneSpire> {
  const trustDomain = TrustDomain.parse(options.trustDomain);
  assertPrograms([options.server, options.agent]);
  const layout = layOutSpire(options.directory);
  // Everybody may pass through to the agent's socket, and see nothing else.
  makeOwnDirectory(options.directory, 0o711);
  makeSpireFolders(layout, new Map());
  const bundleEndpointPort = await findFreePort();
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  const running = runSpireSidecar({
    programs: options,
    layout,
    trustDomain: trustDomain.name,
    root: 'disk',
    entries: [],
    bundleEndpointPort,
    hashPrograms: true,
    signal: stopping.signal,
    log(record) {
      options.log?.(record);
      if (record['event'] === 'ready') ready.resolve();
    },
  });
  const stop = async () => {
    stopping.abort();
    await running;
  };
  await Promise.race([ready.promise, running]);
  return {
    ...createSpireCommands(createSpireCommand(options.server, layout.serverSocket)),
    trustDomain,
    socket: `unix://${layout.agentSocket}`,
    agentId: agentIdOf(trustDomain.name),
    bundleEndpoint: {
      url: `https://127.0.0.1:${bundleEndpointPort}`,
      spiffeId: `${trustDomain.id}/spire/server`,
    },
    root: rootFiles(layout),
    replaceRoot: () => replaceRoot(layout, trustDomain, Date.now()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
