/**
 * The console: receives what the services' telemetry says, shows it on a page as a live map, and passes what is done there
 * on to the system's control and to the customer. It has no identity and no key, and no service knows of it.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createStackControlClient } from '@countersign/local-stack/control';
import { createOtlpHttpHandler } from '@countersign/otlp-receiver';
import { type Address, type Config, closeHttpServer, formatAddress, listenHttp } from '@countersign/service-kit';
import type { Logger } from '@countersign/telemetry';
import manifest from '../package.json' with { type: 'json' };
import { createCustomerClient } from './controls/customer-client.ts';
import { createLoad } from './controls/load.ts';
import { placeLoadOrder } from './controls/load-order.ts';
import { createOrderRelays } from './controls/order-relay.ts';
import { createApp, type StreamHandler } from './server/app.ts';
import { loadPage } from './server/load-page.ts';
import { logRefusal } from './server/refusal-log.ts';
import { refuseBrowsers } from './server/refuse-browsers.ts';
import { createRoutes } from './server/routes.ts';
import { createSession } from './server/session.ts';
import { createSessionToken } from './server/token.ts';
import type { consoleSettings } from './settings.ts';
import { createForwarder } from './store/forward.ts';
import { createStore, type Store } from './store/store.ts';
import { createEventStream } from './stream/event-stream.ts';

/** What a console is made with. */
export interface ConsoleOptions {
  readonly config: Config<typeof consoleSettings>;
  readonly logger: Logger;
}

/** A running console. */
export interface RunningConsole {
  readonly addresses: { readonly http: string; readonly otlp: string };
  stop(): Promise<void>;
}

/** Nothing that comes from outside may take long or be large; a stream's answer has no such bound. */
const SERVER_OPTIONS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
};
const MAX_CONNECTIONS = 256;
const TICK_MS = 1_000;
/** How long requests in progress have at the end. */
const DRAIN_MS = 500;

/** Starts a console: it listens on both ports when this resolves. */
export async function startConsole({ config, logger }: ConsoleOptions): Promise<RunningConsole> {
  const { traceUrl, customerUrl, controlSocket, allowedHosts } = config;
  const stopping = new AbortController();
  const store = createStore(traceUrl === undefined ? {} : { traceUrl });
  const events = createEventStream({ store });
  const token = createSessionToken();
  const control = controlSocket === undefined ? undefined : createStackControlClient(controlSocket);
  const customer = customerUrl === undefined ? undefined : createCustomerClient(customerUrl);
  const load =
    customer === undefined
      ? undefined
      : createLoad({ place: (order) => placeLoadOrder(customer, order), onState: store.setLoad });
  const streams: Record<string, StreamHandler> = { '/api/events': events.handle };
  if (customer !== undefined)
    streams['/api/orders/stream'] = createOrderRelays({ customer, stopping: stopping.signal });
  const session = createSession({
    token: token.value,
    version: manifest.version,
    control,
    customerUrl,
    traceLinks: traceUrl !== undefined,
  });
  const app = createApp({
    logger,
    allowedHosts,
    token,
    page: loadPage(config.page, logger),
    routes: createRoutes({ session, known: store, control, customer, load }),
    streams,
  });
  const receiver = createReceiver({ config, logger }, store);
  const http = await listen(app, config.consoleAddress);
  const otlp = await listen(receiver.handle, config.otlpAddress).catch(async (error: unknown) => {
    await closeHttpServer(http.server);
    throw error;
  });
  const ticking = setInterval(() => store.tick(), TICK_MS);
  return {
    addresses: { http: http.address, otlp: otlp.address },
    async stop() {
      clearInterval(ticking);
      stopping.abort();
      load?.stop();
      await events.close();
      await Promise.all([closeHttpServer(http.server, DRAIN_MS), closeHttpServer(otlp.server, DRAIN_MS)]);
      await receiver.close();
      customer?.close();
    },
  };
}

/** Takes telemetry into the store, and passes it on to a Collector if there is one. */
function createReceiver({ config, logger }: ConsoleOptions, store: Store) {
  const { forwardEndpoint, forwardHeaders, allowedHosts } = config;
  const forwarder =
    forwardEndpoint === undefined
      ? undefined
      : createForwarder({
          endpoint: forwardEndpoint,
          headers: forwardHeaders,
          onState: (state) =>
            logger[state.state === 'sending' ? 'info' : 'warn']({
              event: 'forwarding',
              to: forwardEndpoint.origin,
              state: state.state,
              ...('why' in state ? { message: state.why } : {}),
            }),
        });
  const sink = {
    spans: store.takeSpans,
    logs: store.takeLogs,
    metrics: store.takeMetrics,
    ...(forwarder === undefined ? {} : { received: forwarder.take }),
  };
  const onError = (err: unknown) => logger.error({ event: 'handler_failed', err });
  return {
    handle: refuseBrowsers(createOtlpHttpHandler({ sink, onError }), { allowedHosts, onRefusal: logRefusal(logger) }),
    close: async () => forwarder?.close(DRAIN_MS),
  };
}

async function listen(handle: RequestListener, at: Address): Promise<{ server: Server; address: string }> {
  const server = createServer(SERVER_OPTIONS, handle);
  server.maxConnections = MAX_CONNECTIONS;
  return { server, address: formatAddress(await listenHttp(server, at)) };
}
