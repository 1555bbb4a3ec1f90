/**
 * A process that plays the agent: a Workload API on one socket that hands out the SVIDs and bundles it is told to. Minting
 * them costs this process, not the one that is measured.
 */
import {
  type SpiffeWorkloadAPIServer,
  SpiffeWorkloadAPIService,
  type X509SVIDResponse,
} from '@countersign/spiffe-tls/workload-api-proto';
import { createTestCa, type TestCa } from '@countersign/testkit';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { serveCommands } from './worker.ts';

/** What the process can be asked for. */
export type AgentCommands = typeof commands;

/** What to hand out. */
interface ServeRequest {
  readonly socketPath: string;
  /** Federated trust domains, and how many certificates each one's bundle has. */
  readonly bundles: number;
  readonly authorities: number;
}

type Stream = ServerWritableStream<unknown, X509SVIDResponse>;

const TRUST_DOMAIN = 'example.org';
let ca: TestCa | undefined;
let federatedBundles: Record<string, Buffer> = {};
let stream: Stream | undefined;

const commands = {
  /** Listens; gives a peer of the last federated trust domain, or of the own one: its ID, and its chain in base64. */
  async serve({ socketPath, bundles, authorities }: ServeRequest): Promise<{ peerId: string; chain: string[] }> {
    ca = await createTestCa({ trustDomain: TRUST_DOMAIN });
    let last = ca;
    federatedBundles = {};
    for (let index = 1; index <= bundles; index += 1) {
      const trustDomain = `td-${index}.example`;
      const roots = await Promise.all(Array.from({ length: authorities }, () => createTestCa({ trustDomain })));
      federatedBundles[`spiffe://${trustDomain}`] = Buffer.concat(roots.map(({ der }) => der));
      last = roots[0] ?? ca;
    }
    await listen(socketPath);
    const { chain } = await last.issue();
    return { peerId: `spiffe://${last.trustDomain}/workload`, chain: chain.map((der) => toBase64(der)) };
  },
  /** Sends this many messages; the SVID in each is new, the bundles stay. */
  async push(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += 1) {
      const message = await nextMessage();
      if (stream === undefined) throw new Error('there must be a workload to push to');
      if (!stream.write(message)) await drained(stream);
    }
  },
};

serveCommands(commands);

async function nextMessage(): Promise<X509SVIDResponse> {
  if (ca === undefined) throw new TypeError('bench: "serve" comes before "push"');
  const { chainDer, keyDer } = await ca.issue();
  const svid = {
    spiffeId: `spiffe://${TRUST_DOMAIN}/workload`,
    x509Svid: Buffer.from(chainDer),
    x509SvidKey: Buffer.from(keyDer),
    bundle: Buffer.from(ca.der),
    hint: '',
  };
  return { svids: [svid], crl: [], federatedBundles };
}

function listen(socketPath: string): Promise<void> {
  const fetchX509Svid: handleServerStreamingCall<unknown, X509SVIDResponse> = (call) => {
    stream = call;
    void nextMessage().then((message) => call.write(message));
  };
  const refuse: handleUnaryCall<unknown, never> = (_call, done) => done({ code: status.UNIMPLEMENTED });
  const refuseStream: handleServerStreamingCall<unknown, never> = (call) =>
    void call.emit('error', { code: status.UNIMPLEMENTED });
  const handlers: SpiffeWorkloadAPIServer = {
    fetchX509Svid,
    fetchX509Bundles: refuseStream,
    fetchJwtsvid: refuse,
    fetchJwtBundles: refuseStream,
    validateJwtsvid: refuse,
    fetchWitsvid: refuseStream,
    fetchWitBundles: refuseStream,
  };
  const server = new Server();
  server.addService(SpiffeWorkloadAPIService, handlers);
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

function drained(call: Stream): Promise<void> {
  return new Promise((resolve) => call.once('drain', () => resolve()));
}

function toBase64(der: Uint8Array): string {
  return Buffer.from(der).toString('base64');
}
