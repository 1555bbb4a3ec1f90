/** Whom db-client knows each order to come from: the origin of the caller chain that it verified, as its log says. */
import assert from 'node:assert/strict';
import { loadIdentities } from '@countersign/identities';
import type { LogRecord, ProgramName } from '@countersign/local-stack';

/** Origins of the orders that db-client let through. */
export interface OrderOrigins {
  /** For the system's option of this name. */
  onRecord(program: ProgramName, record: LogRecord): void;
  /** Each order came from customer, by a chain, and so many transactions were seen at least. */
  assertFromCustomer(transactions: number): void;
}

/** Begins to watch. */
export function watchOrigins(): OrderOrigins {
  const { spiffeId: customer } = loadIdentities().workload('customer');
  const origins = new Map<unknown, number>();
  const transactions = new Set<unknown>();
  return {
    onRecord(program, { event, operation, decision, origin, txn }) {
      if (program !== 'db-client' || event !== 'request' || decision !== 'allow') return;
      if (!String(operation).endsWith('/CreateOrder')) return;
      origins.set(origin, (origins.get(origin) ?? 0) + 1);
      transactions.add(txn);
    },
    assertFromCustomer(least) {
      assert.deepEqual([...origins.keys()], [customer], 'every order has customer as its verified origin');
      assert.ok(!transactions.has(undefined), 'and a transaction');
      assert.ok(transactions.size >= least, `only ${transactions.size} transactions of ${least}`);
    },
  };
}
