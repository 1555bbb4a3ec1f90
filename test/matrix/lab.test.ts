/**
 * The attack lab on a running system: each attack by its control, as a page asks for it, what the page is told, and that it
 * tells of a check that is broken.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type AttackControl, createAttackControl } from '@countersign/local-stack';
import type { AttackDescription, AttackResult } from '@countersign/local-stack/control';
import { call } from '../integration/json-client.ts';
import { type SystemAnywhere, startTestSystemAnywhere } from '../integration/test-system.ts';
import { ATTACKS } from './attacks.ts';
import { LEFT_OUT, labCells } from './lab-cells.ts';
import { MUTATIONS } from './mutations.ts';
import { CALLERS } from './table.ts';
import { placeOrder } from './world.ts';

const root = new URL('../../', import.meta.url);
const known = labCells().map(({ description }) => description);
const programEnv: { backend: NodeJS.ProcessEnv } = { backend: {} };
const results = new Map<string, AttackResult>();
let system: SystemAnywhere;
let control: AttackControl;
let listed: readonly AttackDescription[];
let orders: { before: string; after: string };

before(async () => {
  system = await startTestSystemAnywhere({ programEnv });
  control = createAttackControl({ stateDirectory: system.stateDirectory, env: process.env });
  await placeOrder(system);
  const ordersBefore = await listOrders();
  listed = await control.attacks();
  for (const { id } of listed) results.set(id, await control.attack(id));
  orders = { before: ordersBefore, after: await listOrders() };
});
after(async () => {
  await control[Symbol.asyncDispose]();
  await system.stop();
});

async function listOrders(): Promise<string> {
  const { body } = await call(`${system.customerUrl}/api/orders?via=grpc`);
  return JSON.stringify(body?.['orders']);
}

/** What is served, though most of it looks like an attack: it makes no difference, or is a limit that the threat model names. */
const NOT_REFUSED: Readonly<Record<string, AttackResult['verdict']>> = {
  'customer-backend-https-get': 'served',
  'auditor-backend-https-lst': 'served',
  'other-host-backend-https-get': 'served',
  'path-query-backend-https-get': 'served',
  'upgrade-to-h2c-backend-https-get': 'served',
  'two-hosts-backend-https-get': 'served',
  'chain-proper-db-client-grpc-get': 'served',
  'two-uri-sans-postgres-postgres-orders-rw': 'limit',
  'copied-key-ca-in-the-bundle-backend-https-hel': 'limit',
};

describe('each attack', () => {
  for (const { id } of known) {
    test(id, () => {
      const result = results.get(id);
      assert.deepEqual(result?.problems, []);
      assert.equal(result?.verdict, NOT_REFUSED[id] ?? 'refused');
      assert.equal(result?.wire, result?.expectedWire);
      assert.equal(result?.layer === 'nobody', result?.verdict !== 'refused');
    });
  }

  test('is one of those that the lab lists', () => assert.deepEqual(listed, known));

  test('leaves the orders as they were', () => {
    assert.match(orders.before, /"id"/);
    assert.equal(orders.after, orders.before);
  });
});

describe('the place in the code', () => {
  for (const { id } of known) {
    test(id, () => {
      const result = results.get(id);
      assert.ok(result);
      const { source, layer, reason, record } = result;
      const text = readFileSync(new URL(source.file, root), 'utf8');
      const line = text.split('\n')[source.line - 1] ?? '';
      assert.doesNotMatch(line, /^\s*(\*|\/\/|#|\||import\b)/, 'code');
      if (!['TLS handshake', 'caller chain', 'policy'].includes(layer) || record === undefined) return;
      // The line itself, or the check that has a helper of its file raise the code.
      const code = reason.split(':')[0] ?? '';
      assert.ok(text.includes(code), `${source.file} has no ${code}`);
      assert.ok(line.includes(code) || hasWordsOf(line, record), `${code}: ${line.trim()}`);
    });
  }
});

function hasWordsOf(line: string, record: Readonly<Record<string, unknown>>): boolean {
  const words = line.match(/[a-z0-9 ]{8,}/gi) ?? [];
  return words.some((each) => JSON.stringify(record).includes(each.trim()));
}

describe('the list', () => {
  test('has IDs that are short words', () => {
    for (const { id } of known) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    assert.equal(new Set(known.map(({ id }) => id)).size, known.length);
  });

  test('has every attack and every caller of the matrix, but those that are left out for a reason', () => {
    const names = ATTACKS.map(([name]) => name);
    const tried = new Set(known.flatMap(({ attack, caller }) => [attack, caller]));
    const all = [...names, ...CALLERS.map(({ name }) => name)];
    assert.deepEqual(all.filter((name) => !tried.has(name)).sort(), Object.keys(LEFT_OUT).sort());
  });
});

test('what is shown of a record has no key, chain or certificate in it', () => {
  for (const { record } of results.values())
    assert.doesNotMatch(JSON.stringify(record ?? {}), /PRIVATE KEY|BEGIN CERT|eyJ[\w-]{20}|"caller-chain"/);
});

test('an ID that is none is refused, and the next attack is made', async () => {
  await assert.rejects(control.attack('no-such\n'), { code: 'CONTROL_FAILED', message: /no attack "no-such\\n"/ });
  assert.equal((await control.attack('rogue-backend-https-hel')).verdict, 'refused');
});

test('after the CA was replaced attacks are made with the new one', async () => {
  await system.control.rotateCa();
  for (const id of ['customer-backend-https-get', 'expired-backend-https-hel', 'chain-forged-ended-db-client-grpc-get'])
    assert.deepEqual((await control.attack(id)).problems, [], id);
});

test('a caller whose identity was withdrawn can not be tried, which is no verdict', async () => {
  await system.control.withdraw('rogue');
  const tryOn = async () => {
    // SPIRE's agent hears of it at its next sync; an attack until then is refused as before.
    for (;;) assert.equal((await control.attack('rogue-backend-https-hel')).verdict, 'refused');
  };
  await assert.rejects(tryOn, { code: 'CONTROL_FAILED', message: /^attacks: not tried: / });
});

describe('of a server with a broken check it says so', () => {
  const cases: [check: string, id: string, layer: string, code: string][] = [
    // Nothing else stands behind it: whoever has two names is served.
    ['one URI SAN', 'two-uri-sans-backend-https-hel', 'nobody', 'URI_SAN_COUNT'],
    // Another check refuses it, for another reason.
    ['the leaf is no CA', 'ca-as-leaf-backend-https-hel', 'TLS handshake', 'SVID_IS_CA'],
  ];
  for (const [check, id, layer, code] of cases) {
    test(check, async () => {
      const edits = MUTATIONS.find(({ name }) => name === check)?.edits;
      assert.ok(edits);
      const hook = new URL('./mutation-hook.mjs', import.meta.url).href;
      programEnv.backend = { NODE_OPTIONS: `--import=${hook}`, COUNTERSIGN_MUTATION: JSON.stringify(edits) };
      await system.restart('backend');
      const result = await control.attack(id);
      assert.equal(result.verdict, 'wrong');
      assert.equal(result.layer, layer);
      assert.ok(result.problems.length > 0);
      const line = readFileSync(new URL(result.source.file, root), 'utf8').split('\n')[result.source.line - 1];
      assert.ok(line?.includes(code), `the place of the check that is broken, not ${line}`);
    });
  }
});
