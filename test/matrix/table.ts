/**
 * The one table behind the deny matrix: who calls, by which way, and what each may. It repeats what `identities.json` grants
 * on purpose: a grant that is widened by mistake turns a cell red instead of changing what is expected.
 */
import type { SpiffeTlsErrorCode } from '@countersign/spiffe-tls';

/** The servers that are attacked. `echo` is a test service with a method of each gRPC kind behind the same guard. */
export type Server = 'backend' | 'db-client' | 'echo' | 'postgres';

/** One caller. */
export interface Caller {
  readonly name: string;
  /** What it presents. */
  readonly presents: string;
  /** Servers whose handshake accepts it. */
  readonly accepted?: readonly Server[];
  /** Why the handshake refuses it elsewhere. */
  readonly refusal: SpiffeTlsErrorCode;
  /** What PostgreSQL says, which judges by its own rules: roles it gives, or the code of its refusal. */
  /** Absent: not tried there. */
  readonly postgres?: { readonly roles?: readonly string[]; readonly refusal: PostgresRefusal };
  /** It claims to be whoever is let in: what is refused is the certificate and not the name. */
  readonly impostor?: true;
}

/** How PostgreSQL refuses: in the handshake by chain, time or what the certificate is for; `mapping`: by the CN; `missing`: without one. */
export type PostgresRefusal =
  | 'UNTRUSTED_CHAIN'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'purpose'
  | 'signature'
  | 'mapping'
  | 'missing';

const member = (name: string, accepted: readonly Server[], roles?: readonly string[]): Caller => ({
  name,
  presents: `the SVID of ${name}`,
  accepted,
  refusal: 'PEER_NOT_AUTHORIZED',
  postgres: { refusal: 'mapping', ...(roles && { roles }) },
});

const impostor = (
  name: string,
  presents: string,
  refusal: SpiffeTlsErrorCode,
  postgres: Caller['postgres'] = { refusal: 'UNTRUSTED_CHAIN' },
): Caller => ({ name, presents, refusal, postgres, impostor: true });

/** Made with the CA's own key, against rules of SPIFFE that PostgreSQL does not know: it is not tried there. */
const malformed = (name: string, presents: string, refusal: SpiffeTlsErrorCode): Caller => ({
  name,
  presents,
  refusal,
  impostor: true,
});

/** Every caller. */
export const CALLERS: readonly Caller[] = [
  member('customer', ['backend', 'echo']),
  member('backend', ['db-client']),
  member('db-client', [], ['orders_rw']),
  member('auditor', ['backend', 'echo'], ['orders_ro']),
  member('rogue', []),
  {
    name: 'none',
    presents: 'no client certificate',
    refusal: 'NO_PEER_CERTIFICATE',
    postgres: { refusal: 'missing' },
  },
  {
    name: 'foreign domain',
    presents: 'an SVID of a trust domain without a bundle here, by its own CA',
    refusal: 'NO_BUNDLE',
    postgres: { refusal: 'UNTRUSTED_CHAIN' },
  },
  {
    name: 'federated, unnamed',
    presents: 'an SVID of a federated trust domain that no grant names',
    refusal: 'PEER_NOT_AUTHORIZED',
    postgres: { refusal: 'UNTRUSTED_CHAIN' },
  },
  impostor('expired', 'an SVID of a permitted caller that has ended', 'EXPIRED', { refusal: 'EXPIRED' }),
  impostor('not yet valid', 'an SVID of a permitted caller that has not begun', 'NOT_YET_VALID', {
    refusal: 'NOT_YET_VALID',
  }),
  // PostgreSQL reads the CN and no URI, so this one only the issuer can prevent: nothing but the CA's key makes it.
  impostor('two URI SANs', "an SVID with a permitted caller's ID and another", 'URI_SAN_COUNT', {
    roles: ['orders_rw'],
    refusal: 'mapping',
  }),
  impostor('CA as leaf', "a CA certificate with a permitted caller's ID", 'SVID_IS_CA', { refusal: 'purpose' }),
  impostor("other domain's CA", "a permitted caller's ID, issued by a federated domain's CA", 'UNTRUSTED_CHAIN'),
  impostor('old CA', "a permitted caller's ID, issued by a CA that left the bundle", 'UNTRUSTED_CHAIN'),
  impostor('CA of our name', "a permitted caller's ID, by a CA of one's own with the name of ours", 'UNTRUSTED_CHAIN', {
    refusal: 'signature',
  }),
  malformed('ID of a trust domain', 'an SVID whose ID has no path', 'SVID_PATH_EMPTY'),
  malformed('no keyUsage', "a permitted caller's ID, in a certificate without keyUsage", 'KEY_USAGE'),
  malformed('server only', "a permitted caller's ID, in a certificate for servers", 'EXTENDED_KEY_USAGE'),
  malformed(
    'unknown critical',
    "a permitted caller's ID, and a critical extension that nobody knows",
    'CRITICAL_EXTENSION_UNKNOWN',
  ),
];

/** One way in. */
export interface Way {
  readonly name: string;
  /** Two or three letters for the head of a column. */
  readonly short: string;
  readonly server: Server;
  readonly transport: 'https' | 'grpc' | 'postgres';
  /** What the policy is asked about. */
  readonly operation: string;
  /** Callers with a grant for it (for PostgreSQL: roles, see {@link Caller.postgres}). */
  readonly granted: readonly string[];
  /** The answer to a caller who is let in. */
  readonly answer: string;
}

const https = (short: string, operation: string, status: number, granted: readonly string[]): Way => ({
  name: `backend HTTPS ${operation}`,
  short,
  server: 'backend',
  transport: 'https',
  operation,
  granted,
  answer: `HTTP ${status}`,
});

const grpc = (
  server: 'backend' | 'db-client' | 'echo',
  short: string,
  method: string,
  granted: readonly string[],
  kind = 'unary',
): Way => ({
  name: `${server} gRPC ${method.slice(method.lastIndexOf('/') + 1)} (${kind})`,
  short,
  server,
  transport: 'grpc',
  operation: method,
  granted,
  answer: 'gRPC OK',
});

const login = (short: string, role: string): Way => ({
  name: `PostgreSQL as ${role}`,
  short,
  server: 'postgres',
  transport: 'postgres',
  operation: role,
  granted: [],
  answer: 'PostgreSQL logged in',
});

const ORDERS = '/countersign.orders.v1.OrderService';

/** Every way in. */
export const WAYS: readonly Way[] = [
  https('hel', 'GET /hello', 200, ['customer']),
  https('pos', 'POST /orders', 201, ['customer']),
  https('lst', 'GET /orders', 200, ['customer', 'auditor']),
  https('get', 'GET /orders/{id}', 200, ['customer', 'auditor']),
  grpc('backend', 'hel', '/countersign.hello.v1.HelloService/SayHello', ['customer']),
  grpc('backend', 'crt', `${ORDERS}/CreateOrder`, ['customer']),
  grpc('backend', 'get', `${ORDERS}/GetOrder`, ['customer', 'auditor']),
  grpc('backend', 'lst', `${ORDERS}/ListOrders`, ['customer', 'auditor']),
  grpc('backend', 'wat', `${ORDERS}/WatchOrders`, ['customer'], 'server streaming'),
  grpc('db-client', 'crt', `${ORDERS}/CreateOrder`, ['backend']),
  grpc('db-client', 'get', `${ORDERS}/GetOrder`, ['backend']),
  grpc('db-client', 'lst', `${ORDERS}/ListOrders`, ['backend']),
  grpc('db-client', 'wat', `${ORDERS}/WatchOrders`, ['backend'], 'server streaming'),
  grpc('echo', 'una', '/test.Echo/Unary', ['customer']),
  grpc('echo', 'cli', '/test.Echo/ClientStream', ['customer'], 'client streaming'),
  grpc('echo', 'srv', '/test.Echo/ServerStream', ['customer'], 'server streaming'),
  grpc('echo', 'bid', '/test.Echo/Bidi', ['customer'], 'bidirectional'),
  login('own', 'orders_owner'),
  login('rw', 'orders_rw'),
  login('ro', 'orders_ro'),
  login('su', 'postgres'),
];

/** A caller by its name. */
export function callerOf(name: string): Caller {
  const caller = CALLERS.find((each) => each.name === name);
  if (caller === undefined) throw new TypeError(`matrix: there is no caller ${name}`);
  return caller;
}

/** Who is let in at a server: whom an impostor claims to be there. */
export function permittedAt(server: Server): string {
  return { backend: 'customer', echo: 'customer', 'db-client': 'backend', postgres: 'db-client' }[server];
}
