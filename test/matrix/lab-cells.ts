/**
 * The cells that are tried on a system that somebody runs and looks at: each attack once, by its most telling caller and way,
 * and of the proper calls those that say most. What would change that system is left out.
 */
import type { AttackDescription } from '@countersign/local-stack/control';
import { ATTACKS, attackCells } from './attacks.ts';
import { type Cell, type CellName, plainCells } from './cells.ts';
import { CHAIN_ATTACKS } from './chain-attacks.ts';
import { GRPC_PATHS } from './http-attacks.ts';
import { copyCells, LIFE_ATTACKS } from './life-attacks.ts';
import type { Expected } from './outcome.ts';
import { callerOf, type Server, type Way } from './table.ts';
import { TLS_ATTACKS } from './tls-attacks.ts';
import type { World } from './world.ts';

/** One of them, with what a page shows of it. */
export interface LabCell {
  readonly description: AttackDescription;
  readonly cell: Cell;
}

/** Attacks and callers that a running system is spared, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'copied key, CA left': 'the CA would have to be replaced first',
  'chain forged: old CA': 'the same',
  'old CA': 'the same',
  withdrawn: 'it takes the identity of a workload away',
  'copied key, withdrawn': 'the same',
  'federated, unnamed': 'another trust domain would have to be federated first',
  "other domain's CA": 'the same',
  'method CONNECT': 'what tells it from a refused handshake is logged at the level "debug" alone',
};

/** Proper calls: caller, server, and operation. */
const PLAIN: readonly (readonly [caller: string, server: Server, operation: string])[] = [
  ['customer', 'backend', 'GET /orders/{id}'],
  ['auditor', 'backend', 'GET /orders'],
  ...listeners('rogue'),
  ['rogue', 'postgres', 'postgres'],
  ...listeners('none'),
  ['auditor', 'backend', 'POST /orders'],
  ['auditor', 'backend', 'CreateOrder'],
  ['auditor', 'db-client', 'GetOrder'],
  ['auditor', 'postgres', 'orders_rw'],
  ['customer', 'db-client', 'GetOrder'],
  ['customer', 'postgres', 'orders_rw'],
  ['backend', 'postgres', 'orders_rw'],
  ['db-client', 'backend', 'GET /orders/{id}'],
  ['db-client', 'postgres', 'orders_owner'],
  ...impostors('backend', 'GET /hello', [
    'foreign domain',
    'expired',
    'not yet valid',
    'two URI SANs',
    'CA as leaf',
    'CA of our name',
    'ID of a trust domain',
    'no keyUsage',
    'server only',
    'unknown critical',
  ]),
  ...impostors('postgres', 'orders_rw', ['expired', 'two URI SANs', 'CA of our name']),
];

function listeners(caller: string) {
  return [
    [caller, 'backend', 'GET /hello'],
    [caller, 'backend', 'SayHello'],
    [caller, 'db-client', 'CreateOrder'],
    [caller, 'postgres', 'orders_rw'],
  ] as const;
}

function impostors(server: Server, operation: string, callers: readonly string[]) {
  return callers.map((caller) => [caller, server, operation] as const);
}

/** Attacks that are tried more than once, because another layer answers: the servers and transports. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  'forged headers': ['backend https', 'backend grpc'],
  plaintext: ['backend https', 'backend grpc', 'postgres postgres'],
  'TLS 1.2': ['backend https', 'postgres postgres'],
  'chain left out': ['backend https', 'db-client grpc'],
  'chain replayed': ['backend https', 'db-client grpc'],
};

/** Who would be served but for what is odd, and what writes nothing should it be served. */
const CALLERS = ['customer', 'backend', 'auditor', 'none'];
const OPERATIONS = ['GET /orders/{id}', 'GetOrder'];

/** All of them, each with an ID of its own. */
export function labCells(): LabCell[] {
  const plain = plainCells();
  const chosen = PLAIN.map(([caller, server, operation]) =>
    only(
      plain.filter(
        (cell) => cell.caller === caller && cell.way.server === server && isOperation(cell.way.operation, operation),
      ),
    ),
  );
  return [...chosen, ...oddCells()].map((cell) => ({ description: describe(cell), cell: atLevelInfo(cell) }));
}

function oddCells(): Cell[] {
  const cells = [...attackCells(), ...copyCells()].filter(
    ({ way, attack }) => way.server !== 'echo' && !Object.hasOwn(LEFT_OUT, attack),
  );
  return [...Map.groupBy(cells, ({ attack }) => attack)].flatMap(([attack, each]) => {
    const places = MORE[attack];
    if (places === undefined) return [best(attack, each)];
    return places.map((place) =>
      best(
        attack,
        each.filter(({ way }) => placeOf(way) === place),
      ),
    );
  });
}

/** Forged headers are for those who may not, and a chain has two links at db-client alone. */
function best(attack: string, cells: readonly Cell[]): Cell {
  const forged = attack === 'forged headers';
  const servers: readonly Server[] = groupOf(attack) === 'chain' ? ['db-client', 'backend'] : ['backend', 'db-client'];
  const callers = forged ? ['auditor'] : CALLERS;
  const operations = forged ? ['POST /orders', 'CreateOrder'] : OPERATIONS;
  const rank = ({ caller, way }: Cell) => [
    orderIn(servers, way.server),
    orderIn(callers, caller),
    orderIn(operations, lastPart(way.operation)),
  ];
  return only(cells.toSorted((a, b) => compare(rank(a), rank(b))).slice(0, 1));
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

function orderIn<Item>(items: readonly Item[], item: Item): number {
  const index = items.indexOf(item);
  return index === -1 ? items.length : index;
}

function only(cells: readonly Cell[]): Cell {
  const [cell, ...more] = cells;
  if (cell === undefined || more.length > 0) throw new TypeError(`attack lab: ${cells.length} cells for one button`);
  return cell;
}

function placeOf({ server, transport }: Way): string {
  return `${server} ${transport}`;
}

function isOperation(operation: string, name: string): boolean {
  return operation === name || lastPart(operation) === name;
}

/** A gRPC method's own name; of everything else the whole. */
function lastPart(operation: string): string {
  return operation.startsWith('/') ? operation.slice(operation.lastIndexOf('/') + 1) : operation;
}

/** Services log verified connections at `debug`, which nobody's running system is asked to write. */
function atLevelInfo(cell: Cell): Cell {
  const heard = (expected: Expected): Expected => ({
    ...expected,
    records: expected.records.filter(({ event }) => event !== 'verified'),
  });
  return {
    ...cell,
    expected: (world: World) => heard(typeof cell.expected === 'function' ? cell.expected(world) : cell.expected),
  };
}

function describe(cell: Cell): AttackDescription {
  const { caller, way, attack } = cell;
  return {
    id: idOf(cell),
    attack,
    what: attack === 'none' ? proper(cell) : inWords(attack),
    group: groupOf(attack),
    caller,
    server: way.server,
    transport: way.transport,
    operation: way.operation,
  };
}

function proper({ caller, way }: CellName): string {
  const { presents } = callerOf(caller);
  const asks = way.transport === 'postgres' ? `logs in as ${way.operation}` : `asks for ${lastPart(way.operation)}`;
  return sentence(`whoever presents ${presents} ${asks}`);
}

function inWords(attack: string): string {
  const what = ATTACKS.find(([name]) => name === attack)?.[1] ?? attack;
  return sentence(what).replaceAll('\\|', '|').replaceAll('`', '');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function groupOf(attack: string): string {
  if (attack === 'none') return 'caller';
  if (attack === 'forged headers' || attack === 'other host') return 'headers';
  if (TLS_ATTACKS.some(([name]) => name === attack)) return 'tls';
  if (LIFE_ATTACKS.some(([name]) => name === attack)) return 'life';
  if (CHAIN_ATTACKS.some(({ name }) => name === attack)) return 'chain';
  return GRPC_PATHS.some(({ name }) => name === attack) ? 'grpc' : 'http';
}

const SPELT: Readonly<Record<string, string>> = { '%': 'pct', '/': 'slash', '.': 'dot', '+': 'plus' };

function idOf({ caller, way, attack }: CellName): string {
  const operation = way.transport === 'postgres' ? way.operation : way.short;
  const parts = [attack === 'none' ? caller : attack, placeOf(way), operation];
  return parts
    .join(' ')
    .replaceAll(/[%/.+]/g, (letter) => ` ${SPELT[letter]} `)
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
}
