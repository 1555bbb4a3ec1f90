/**
 * An undici `Agent`, and so a dispatcher for `fetch`, that verifies each server before a byte is sent. Connections belong
 * to a generation, which is an agent of undici's own: after a rotation, and when a server is no longer verified, new
 * requests go to a new generation while the former one finishes what is in flight and closes.
 *
 * undici is not a dependency: its `Agent` class is passed in, so its release is the caller's choice.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { quote } from './errors.ts';
import { LiveConnections, type LiveConnectionsOptions } from './live-connections.ts';
import { checkRetireWindow, scheduleRetirements } from './retirement.ts';
import {
  type PresentNothingOptions,
  resolveClientOptions,
  type SpiffeTlsOptions,
  type TlsSettings,
  type WebServerOptions,
} from './spiffe-tls-options.ts';
import { dial } from './tls-dialer.ts';
import type { VerifiedConnection } from './verified-connection.ts';

/** What undici asks a connector for. */
export interface UndiciConnectOptions {
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly servername?: string | null;
  readonly localAddress?: string | null;
}

/** How a connector answers undici. */
export type UndiciConnected = (...result: [null, Socket] | [Error, null]) => void;

/** The part of undici's `Agent` that is used here. */
export interface UndiciAgent {
  dispatch(options: never, handler: never): boolean;
  close(): Promise<void>;
  close(callback: () => void): void;
  destroy(error?: Error | null): Promise<void>;
  destroy(error: Error | null, callback: () => void): void;
}

/** undici's `Agent` class, as far as it matters here. */
export type UndiciAgentClass<Agent extends UndiciAgent> = new (options: {
  readonly connect: (options: UndiciConnectOptions, connected: UndiciConnected) => void;
  readonly allowH2: false;
  readonly pipelining: 1;
}) => Agent;

// `A`, because API Extractor can't tell a type parameter from a member of the same name (rushstack issue 2834).
/** undici's class, and how its agent keeps connections. */
export interface UndiciAgentBounds<A extends UndiciAgent> {
  /** The `Agent` class of undici 7 or 8. */
  readonly Agent: UndiciAgentClass<A>;
  /**
   * More options for undici's `Agent`, such as `headersTimeout`, `bodyTimeout` and `keepAliveTimeout`. How it connects, how
   * many connections it makes and what it sends ahead are decided here: a request that waits in undici's queue for a
   * connection would go out over one whose server is no longer verified.
   */
  readonly agent?: Readonly<Record<string, unknown>>;
  /**
   * Part of the SVID's remaining life within which connections made with it are replaced after a rotation, from 0 (at
   * once) to 1. Default 0.1. New work leaves them within 5 s when another authority signed the new SVID, and at once when the
   * bundle verifies the former one no more.
   */
  readonly retireWindow?: number;
}

/** Options of {@link createSpiffeUndiciAgent}: mTLS, both sides with an X.509-SVID. */
export interface SpiffeUndiciAgentOptions<Agent extends UndiciAgent>
  extends SpiffeTlsOptions,
    LiveConnectionsOptions,
    UndiciAgentBounds<Agent> {}

/** Where one side has no X.509-SVID: the server's certificate is the web's, or the client presents nothing. */
export type SpiffeUndiciAgentModeOptions<Agent extends UndiciAgent> = (WebServerOptions | PresentNothingOptions) &
  LiveConnectionsOptions &
  UndiciAgentBounds<Agent>;

/**
 * Creates an undici agent that presents the source's SVID, requires the server to be who `authorize` accepts whatever its
 * host name is, and never resumes a session. A refused server makes a request fail with the {@link SpiffeTlsError}; `fetch`
 * puts it into the `cause` of its `TypeError`. HTTP/1.1 over TLS only: an `http:` URL fails. Call `close()` or `destroy()`
 * when done. `webServer` and `clientCertificate` choose the other modes, as for {@link createSpiffeHttpsAgent}.
 *
 * @throws {TypeError} when `Agent` is no class, and for options that belong to different modes.
 * @example
 * import { Agent, fetch } from 'undici';
 * const dispatcher = createSpiffeUndiciAgent({ Agent, source, authorize: authorizeId(backendId) });
 * const response = await fetch('https://127.0.0.1:8443/hello', { dispatcher });
 */
export function createSpiffeUndiciAgent<Agent extends UndiciAgent>(
  options: SpiffeUndiciAgentOptions<Agent> | SpiffeUndiciAgentModeOptions<Agent>,
): Agent {
  if (typeof options.Agent !== 'function') throw new TypeError('undici: "Agent" must be the Agent class of undici');
  const generations = new Generations(options);
  // A true agent of undici, so that `instanceof`, types and methods such as `request` hold; its work is done by others.
  const agent = generations.create();
  const { close, destroy } = agent;
  // With callbacks, always: without one undici's own methods call themselves, that is, what replaces them here.
  const itself = (method: typeof close | typeof destroy, ...args: unknown[]) =>
    new Promise<void>((resolve) => void Reflect.apply(method, agent, [...args, resolve]));
  return Object.assign(agent, {
    dispatch: (request: never, handler: never) => generations.dispatch(request, handler),
    close: answering(() => generations.end((one) => one.close()).then(() => itself(close))),
    destroy: answering((error) =>
      generations.end((one) => one.destroy(error)).then(() => itself(destroy, error ?? null)),
    ),
  });
}

/** As undici's methods answer: by the callback, which comes last, or else by a promise. */
function answering(run: (error: Error | undefined) => Promise<void>) {
  return (...args: unknown[]): Promise<void> | undefined => {
    const done = run(args.find((argument) => argument instanceof Error));
    const answer = args.find((argument) => typeof argument === 'function');
    if (answer === undefined) return done;
    void done.then(() => Reflect.apply(answer, undefined, [null, null]));
    return undefined;
  };
}

/** undici's agents, the present one and those that are finishing. */
class Generations<Agent extends UndiciAgent> {
  readonly #options: TlsSettings;
  readonly #undici: Pick<UndiciAgentBounds<Agent>, 'Agent' | 'agent'>;
  readonly #live: LiveConnections;
  readonly #stopRetirements: () => void;
  readonly #open = new Set<Agent>();
  #current: Agent;

  constructor(options: SpiffeUndiciAgentOptions<Agent> | SpiffeUndiciAgentModeOptions<Agent>) {
    this.#options = resolveClientOptions(options);
    this.#undici = options;
    this.#live = new LiveConnections(this.#options, options);
    const window = checkRetireWindow(options.retireWindow);
    this.#stopRetirements = scheduleRetirements({
      options: this.#options,
      window,
      onRetire: () => this.#retire(),
      onWithdrawal: this.#options.webRoots !== undefined,
    });
    this.#current = this.#begin();
  }

  create(): Agent {
    const forced = { allowH2: false, pipelining: 1, connections: null, factory: undefined, clientTtl: null } as const;
    const agent = new this.#undici.Agent({
      ...this.#undici.agent,
      ...forced,
      connect: (options, connected) => this.#connect(agent, options, connected),
    });
    return agent;
  }

  dispatch(request: never, handler: never): boolean {
    // A server that expired a moment ago gets nothing, whether or not its timer was on time.
    this.#live.sweep();
    return this.#current.dispatch(request, handler);
  }

  async end(how: (agent: Agent) => Promise<void>): Promise<void> {
    this.#stopRetirements();
    // One that has ended meanwhile refuses to end again; there is nothing left to do then.
    await Promise.all(Array.from(this.#open, (agent) => how(agent).catch(() => {})));
    this.#open.clear();
    this.#live.close();
  }

  #begin(): Agent {
    const agent = this.create();
    this.#open.add(agent);
    return agent;
  }

  #retire(): void {
    const former = this.#current;
    this.#current = this.#begin();
    former.close().then(
      () => this.#open.delete(former),
      () => this.#open.delete(former),
    );
  }

  #connect(agent: Agent, target: UndiciConnectOptions, connected: UndiciConnected): void {
    try {
      const admit = () => {
        socket.off('error', failed);
        connected(null, socket);
      };
      const follow = (connection: VerifiedConnection) =>
        this.#live.add(connection, {
          // Retiring ends idle connections at once, and those in use when their request is done.
          stopUsing: () => void (agent === this.#current && this.#retire()),
          closeGracefully: () => {},
        });
      const socket = this.#dial(target, follow, admit);
      const failed = (error: Error) => connected(error, null);
      socket.once('error', failed);
    } catch (cause) {
      connected(cause instanceof Error ? cause : new Error(String(cause)), null);
    }
  }

  #dial(
    { hostname, protocol, port, servername, localAddress }: UndiciConnectOptions,
    follow: (connection: VerifiedConnection) => void,
    admit: () => void,
  ): TLSSocket {
    if (protocol !== 'https:') throw new TypeError(`undici: the URL must begin with https:, got ${quote(protocol)}`);
    return dial({
      options: this.#options,
      transport: 'https',
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? 443 : Number(port),
      ...(servername && { serverName: servername }),
      ...(localAddress && { extra: { localAddress } }),
      onVerified: (connection) => {
        follow(connection);
        admit();
      },
      onWebServer: admit,
    });
  }
}
