/**
 * The exchanges with a SPIFFE library of another language. Each has a small program of ours around it with the same
 * commands, all of which print JSON lines:
 *
 * | command | prints |
 * | --- | --- |
 * | `https-server --authorize ID` | `{"event":"listening","port"}`; for a request `{"event":"request","peer"}` and the answer is `Hello <peer>`; for a refused handshake `{"event":"refused","reason"}` |
 * | `https-client --authorize ID --address HOST:PORT` | `{"body"}` or `{"error"}` |
 * | `grpc-server`, `grpc-client` | likewise, with `grpc.health.v1.Health`; the client calls Check and Watch: `{"body":"SERVING"}` or `{"error"}` |
 * | `watch` | for each X.509 update `{"event":"update","id","serial","bundles":{"<trust domain>":<number of authorities>}}`; serial in upper-case hexadecimal |
 * | `jwt-fetch --audience A` | `{"token"}` or `{"error"}` |
 * | `jwt-validate --audience A --token T` | `{"id"}` or `{"error"}` |
 *
 * Every command takes `--workload-api unix:///...`. Servers listen on a free port of 127.0.0.1 and run until SIGTERM.
 */
import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import {
  authorizeId,
  createWorkloadApiJwtBundleSource,
  createWorkloadApiJwtSource,
  SpiffeTlsError,
  validateJwtSvid,
} from '@countersign/spiffe-tls';
import { interopTest, type PeerProgram } from './interop.ts';
import { callGrpc, callHttps, type OurServer, serveGrpc, serveHttps } from './our-side.ts';
import { askPeer, type Line, startPeer } from './peer-process.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

/** What a language's program has. */
export interface LanguagePeer {
  readonly program: PeerProgram;
  readonly command: string;
  /** Before the command's own. */
  readonly args?: readonly string[];
  /** Commands that it has; those of others are not tried. */
  readonly commands: readonly PeerCommandName[];
  /**
   * Trust domains that it verifies beside its own. `false` for a library that pools the bundles of all trust domains, or
   * has no federation: then no partner is tried with it as the server.
   */
  readonly verifiesForeign?: boolean;
}

/** See the table above. */
export type PeerCommandName =
  | 'https-server'
  | 'https-client'
  | 'grpc-server'
  | 'grpc-client'
  | 'watch'
  | 'jwt-fetch'
  | 'jwt-validate';

const TRANSPORTS = {
  https: { name: 'HTTPS', serve: serveHttps, call: callHttps, answer: (peer: string): string => `Hello ${peer}` },
  grpc: { name: 'gRPC', serve: serveGrpc, call: callGrpc, answer: (): string => 'SERVING' },
} as const;
type TransportName = keyof typeof TRANSPORTS;
const AUDIENCE = 'spiffe://example.org/server';

/** Defines the tests of all exchanges that the program has commands for. */
export function testLanguagePeer(peer: LanguagePeer): void {
  let domains: PeerTrustDomains;
  before(async () => {
    domains = await startTrustDomains();
  });
  after(() => domains.close());
  const tests = new ExchangeTests(peer, () => domains);
  for (const transport of ['https', 'grpc'] as const) {
    if (peer.commands.includes(`${transport}-client`)) tests.theirClient(transport);
    if (peer.commands.includes(`${transport}-server`)) tests.theirServer(transport);
  }
  if (peer.commands.includes('watch')) tests.watch();
  if (peer.commands.includes('jwt-fetch')) tests.theirToken();
  if (peer.commands.includes('jwt-validate')) tests.ourToken();
}

class ExchangeTests {
  readonly #peer: LanguagePeer;
  readonly #domains: () => PeerTrustDomains;

  constructor(peer: LanguagePeer, domains: () => PeerTrustDomains) {
    this.#peer = peer;
    this.#domains = domains;
  }

  theirClient(transport: TransportName): void {
    const { name, answer } = TRANSPORTS[transport];
    const server = { peer: this.#peer.program, ours: `${name} server` };
    const accept = { ...server, expected: 'accept' } as const;
    const refuse = { ...server, expected: 'refuse' } as const;
    for (const [what, domain] of [
      ['the named ID', 'own'],
      ["a federated trust domain's named ID", 'partner'],
    ] as const) {
      interopTest({ ...accept, what }, async (t) => {
        const expected = idOf('client', domain === 'own' ? 'example.org' : 'partner.example');
        const ours = await this.#serve(t, transport, 'server', expected);
        const seen = await this.#ask(t, `${transport}-client`, this.#domains()[domain].socketOf('client'), ours.port);
        assert.deepEqual(seen, { body: answer(`${expected}`) });
        assert.equal(ours.peers[0], `${expected}`);
        return `${expected}`;
      });
    }
    for (const [what, domain, workload, code] of [
      ['an ID that is not named', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
      ["a federated trust domain's ID that is not named", 'partner', 'client', 'PEER_NOT_AUTHORIZED'],
    ] as const) {
      interopTest({ ...refuse, what }, async (t) => {
        const ours = await this.#serve(t, transport, 'server', idOf('client'));
        const seen = await this.#ask(t, `${transport}-client`, this.#domains()[domain].socketOf(workload), ours.port);
        assertError(seen);
        assert.deepEqual(ours.peers, []);
        const record = await ours.refused();
        assert.equal(record.code, code);
        return record.code;
      });
    }
    for (const [what, ourName, theirDomain] of [
      ['our server is not the one it expects', 'stranger', 'own'],
      ['our server is of a CA that it does not know', 'server', 'impostor'],
    ] as const) {
      interopTest({ ...refuse, what }, async (t) => {
        const ours = await this.#serve(t, transport, ourName, idOf('client'));
        assertError(
          await this.#ask(t, `${transport}-client`, this.#domains()[theirDomain].socketOf('client'), ours.port),
        );
        assert.deepEqual(ours.peers, [], 'it sent us no request');
        return `refused by ${this.#peer.program.name}`;
      });
    }
  }

  theirServer(transport: TransportName): void {
    const { name, call, answer } = TRANSPORTS[transport];
    const client = { peer: this.#peer.program, ours: `${name} client` };
    const authorizeServer = authorizeId(idOf('server'));
    const start = (
      t: TestContext,
      workload: 'server' | 'stranger',
      named: string,
      domain: 'own' | 'impostor' = 'own',
    ) => this.#startServer(t, `${transport}-server`, this.#domains()[domain].socketOf(workload), named);
    const domainsTried = this.#peer.verifiesForeign === false ? (['own'] as const) : (['own', 'partner'] as const);
    for (const domain of domainsTried) {
      const what = domain === 'own' ? 'the named ID' : 'a federated trust domain, both ways';
      interopTest({ ...client, what, expected: 'accept' }, async (t) => {
        const id = idOf('client', domain === 'own' ? 'example.org' : 'partner.example');
        const { port } = await start(t, 'server', `${id}`);
        assert.equal(await call(t, this.#domains()[domain].socketOf('client'), port, authorizeServer), answer(`${id}`));
        return `${idOf('server')}`;
      });
    }
    interopTest({ ...client, what: 'it refuses our client: not named', expected: 'refuse' }, async (t) => {
      const { port } = await start(t, 'server', `${idOf('client')}`);
      await assert.rejects(call(t, this.#domains().own.socketOf('stranger'), port, authorizeServer));
      return `refused by ${this.#peer.program.name}`;
    });
    interopTest({ ...client, what: 'it refuses our client: foreign CA', expected: 'refuse' }, async (t) => {
      const { port } = await start(t, 'server', `${idOf('client')}`);
      await assert.rejects(call(t, this.#domains().impostor.socketOf('client'), port, authorizeServer));
      return 'refused by both: neither knows the other CA';
    });
    for (const [what, workload, domain, code] of [
      ['another ID than expected', 'stranger', 'own', 'PEER_NOT_AUTHORIZED'],
      ['the expected ID under a foreign CA', 'server', 'impostor', 'UNTRUSTED_CHAIN'],
    ] as const) {
      interopTest({ ...client, what, expected: 'refuse' }, async (t) => {
        const { port } = await start(t, workload, `${idOf('client')}`, domain);
        const error = await call(t, this.#domains().own.socketOf('client'), port, authorizeServer).then(
          () => assert.fail('the server must be refused'),
          (reason: unknown) => reason,
        );
        assert.match(messageOf(error), new RegExp(code === 'PEER_NOT_AUTHORIZED' ? 'stranger' : 'path to the bundle'));
        return code;
      });
    }
  }

  watch(): void {
    const exchange = { peer: this.#peer.program, ours: 'Workload API', expected: 'accept' } as const;
    interopTest({ ...exchange, what: 'SVIDs and bundles, a rotation, a new CA, a partner' }, async (t) => {
      const { own } = this.#domains();
      const watch = this.#start(t, 'watch', own.socketOf('client'), []);
      const update = (is: (line: Line) => boolean, what: string) =>
        watch.line((line) => line['event'] === 'update' && is(line), what);
      const first = await update(() => true, 'first update');
      assert.equal(first['id'], `${idOf('client')}`);
      assert.deepEqual(Object.keys(Object(first['bundles'])).sort(), this.#bundlesSeen());
      const [rotated] = await own.rotate('client');
      const serial = rotated?.identities[0]?.serialNumber;
      await update((line) => line['serial'] === serial, `serial ${serial}`);
      await own.rotateCa({ settleMs: 0, dropAfterMs: 60_000 });
      await update((line) => Object(line['bundles'])['example.org'] === 2, 'a bundle of two authorities');
      return 'each change arrived';
    });
  }

  theirToken(): void {
    const exchange = { peer: this.#peer.program, ours: 'JWT-SVID validation' };
    const validate = async (t: TestContext, token: string, audience: string) => {
      const bundles = createWorkloadApiJwtBundleSource({ endpoint: this.#domains().own.socketOf('server') });
      t.after(() => bundles.close());
      await bundles.ready();
      return validateJwtSvid(token, { audience, bundles, nowMs: Date.now() });
    };
    for (const domain of ['own', 'partner'] as const) {
      const what = domain === 'own' ? 'a token it fetched' : "a federated trust domain's token it fetched";
      interopTest({ ...exchange, what, expected: 'accept' }, async (t) => {
        const { id } = await validate(t, await this.#fetchToken(t, domain), AUDIENCE);
        assert.equal(`${id}`, `${idOf('client', domain === 'own' ? 'example.org' : 'partner.example')}`);
        return `${id}`;
      });
    }
    for (const [what, domain, audience, code] of [
      ['a token for another audience', 'own', 'spiffe://example.org/other', 'JWT_AUDIENCE'],
      ['a token signed by a foreign key', 'impostor', AUDIENCE, 'JWT_KEY_UNKNOWN'],
    ] as const) {
      interopTest({ ...exchange, what, expected: 'refuse' }, async (t) => {
        const token = await this.#fetchToken(t, domain);
        await assert.rejects(
          validate(t, token, audience),
          (error) => error instanceof SpiffeTlsError && error.code === code,
        );
        return code;
      });
    }
  }

  ourToken(): void {
    const exchange = { peer: this.#peer.program, ours: 'JWT-SVID source' };
    const fetchAndAsk = async (t: TestContext, domain: 'own' | 'impostor', audience: string) => {
      const source = createWorkloadApiJwtSource({ endpoint: this.#domains()[domain].socketOf('client') });
      t.after(() => source.close());
      const svid = await source.fetch({ audience: AUDIENCE });
      const args = ['--audience', audience, '--token', svid.token()];
      return askPeer(t, this.#command('jwt-validate', this.#domains().own.socketOf('server'), args));
    };
    interopTest({ ...exchange, what: 'it validates our token', expected: 'accept' }, async (t) => {
      const seen = await fetchAndAsk(t, 'own', AUDIENCE);
      assert.deepEqual(seen, { id: `${idOf('client')}` });
      return `${idOf('client')}`;
    });
    for (const [what, domain, audience] of [
      ['it refuses our token: another audience', 'own', 'spiffe://example.org/other'],
      ['it refuses our token: a foreign key', 'impostor', AUDIENCE],
    ] as const) {
      interopTest({ ...exchange, what, expected: 'refuse' }, async (t) => {
        const seen = await fetchAndAsk(t, domain, audience);
        assertError(seen);
        return `refused by ${this.#peer.program.name}`;
      });
    }
  }

  async #fetchToken(t: TestContext, domain: 'own' | 'partner' | 'impostor'): Promise<string> {
    const socket = this.#domains()[domain].socketOf('client');
    const seen = await askPeer(t, this.#command('jwt-fetch', socket, ['--audience', AUDIENCE]));
    assert.ok(typeof seen['token'] === 'string', JSON.stringify(seen));
    return seen['token'];
  }

  #bundlesSeen(): string[] {
    return this.#peer.verifiesForeign === false ? ['example.org'] : ['example.org', 'partner.example'];
  }

  #serve(t: TestContext, transport: TransportName, as: 'server' | 'stranger', named: ReturnType<typeof idOf>) {
    return TRANSPORTS[transport].serve(
      t,
      this.#domains().own.socketOf(as),
      authorizeId(named),
    ) satisfies Promise<OurServer>;
  }

  #ask(t: TestContext, name: PeerCommandName, workloadApi: string, port: number): Promise<Line> {
    const args = ['--authorize', `${idOf('server')}`, '--address', `127.0.0.1:${port}`];
    return askPeer(t, this.#command(name, workloadApi, args));
  }

  async #startServer(t: TestContext, name: PeerCommandName, workloadApi: string, named: string) {
    const server = this.#start(t, name, workloadApi, ['--authorize', named]);
    const { port } = await server.line((line) => line['event'] === 'listening', 'listening');
    return { port: Number(port), lines: server.lines };
  }

  #start(t: TestContext, name: PeerCommandName, workloadApi: string, args: readonly string[]) {
    return startPeer(t, this.#command(name, workloadApi, args));
  }

  #command(name: PeerCommandName, workloadApi: string, args: readonly string[]) {
    const { command, args: first = [] } = this.#peer;
    return { command, args: [...first, name, '--workload-api', workloadApi, ...args] };
  }
}

function assertError(seen: Line): void {
  assert.ok(typeof seen['error'] === 'string' && seen['error'] !== '', JSON.stringify(seen));
}

/** With that of the causes: grpc-js and Node wrap ours. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const details = 'details' in error ? String(error.details) : '';
  return `${error.message} ${details} ${error.cause === undefined ? '' : messageOf(error.cause)}`;
}
