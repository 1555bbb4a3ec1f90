/**
 * The control beside the engines that the services have, following a folder as they do.
 */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createPolicyEngine, type PolicyEngine, type PolicyInput } from '@countersign/authz';
import { loadIdentities } from '@countersign/identities';
import { createLogWatch } from '../../log-watch.ts';
import type { DecidedInput } from '../stack-control.ts';
import { createPolicyControl, type PolicyControl } from './policy-control.ts';

const identities = loadIdentities();
const id = (name: string) => identities.workload(name).spiffeId;
const fromRoot = (path: string) => fileURLToPath(new URL(`../../../../../${path}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'policy-control-'));
const file = join(folder, 'grants/data.json');
after(() => rmSync(folder, { recursive: true }));

type Grants = Record<string, Record<string, Record<string, object>>>;

/** A service's engine, whose every report is a line of its log; `stuck`: it does not follow. */
interface Service {
  readonly name: 'backend' | 'db-client';
  readonly engine: PolicyEngine;
}

let logs = createLogWatch();
let services: Service[] = [];
let control: PolicyControl;

async function start({ stuck, withinMs = 20_000 }: { stuck?: Service['name']; withinMs?: number } = {}): Promise<void> {
  for (const name of ['backend', 'db-client'] as const) {
    const dataIntervalMs = name === stuck ? 0 : 10;
    const engine = await createPolicyEngine({
      ...{ bundlePath: fromRoot('policies/bundle.tar.gz'), watchIntervalMs: 0 },
      ...{ dataPath: folder, dataIntervalMs },
    });
    const report = () => {
      const status = engine.status();
      const said = status.state === 'loaded' ? { revision: status.revision } : {};
      const error = status.error === undefined ? {} : { code: status.error.code, message: status.error.message };
      logs.add(name, { event: 'policy', ...said, ...error });
    };
    report();
    engine.subscribe(report);
    services.push({ name, engine });
  }
  control = createPolicyControl({ system: systemOf(), env: { POLICY_DATA: folder }, takenWithinMs: withinMs });
}

function systemOf() {
  return {
    identities,
    findLogs: logs.find,
    waitForLog: (name: string, predicate: Parameters<typeof logs.find>[1], timeoutMs = 0) =>
      logs.waitFor(name, predicate, timeoutMs),
    pidOf: (name: string) => (services.some((service) => service.name === name) ? 1 : undefined),
  };
}

beforeEach(() => {
  cpSync(fromRoot('policies/data'), folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(identities.grants(), null, 2)}\n`);
  logs = createLogWatch();
  services = [];
});
afterEach(() => {
  for (const { engine } of services) engine.close();
});

/** customer reads orders from backend. */
const input: PolicyInput = {
  transport: 'http',
  operation: 'GET /orders',
  http: { method: 'GET', path: ['orders'] },
  self: { spiffe_id: id('backend') },
  peer: { spiffe_id: id('customer'), trust_domain: identities.trustDomain, path: id('customer').split('/').slice(3) },
  chain: [],
  time: '2026-01-02T03:04:05.678Z',
};
const allowed = { allow: true, reason: 'granted', rule: 'grant', obligations: [] };
const decided = (parts: Partial<DecidedInput> = {}): DecidedInput => ({
  ...{ decisionId: 'd-1', input, result: allowed, hidden: [] },
  ...parts,
});
const allows = (name: Service['name']) => services.find((one) => one.name === name)?.engine.decide(input).allow;

function edited(change: (grants: Grants) => void, indent: number | undefined = 2): string {
  const grants: Grants = JSON.parse(readFileSync(file, 'utf8'));
  change(grants);
  return JSON.stringify(grants, undefined, indent);
}

const withoutGet = () => edited((grants) => void delete grants[id('backend')]?.[id('customer')]?.['GET /orders']);

describe('a change', () => {
  test('is loaded by everyone when it is applied, and so is its undoing', async () => {
    await start();
    const before = await control.policy();
    assert.deepEqual([before.undoable, before.asGenerated, allows('backend')], [0, true, true]);
    const applied = await control.applyPolicy(withoutGet(), before.revision);
    assert.deepEqual([applied.undoable, applied.asGenerated], [1, false]);
    assert.deepEqual([allows('backend'), allows('db-client')], [false, false]);
    assert.deepEqual(await control.policy(), applied);
    const undone = await control.undoPolicy(applied.revision);
    assert.deepEqual(undone, before);
    assert.deepEqual([allows('backend'), allows('db-client')], [true, true]);
  });

  test('in words alone is written, and nobody waits', async () => {
    await start({ withinMs: 0 });
    const { revision } = await control.policy();
    const applied = await control.applyPolicy(
      edited(() => {}, 4),
      revision,
    );
    assert.deepEqual([applied.undoable, applied.asGenerated], [1, true]);
  });

  test('keeps the mode of the file, and leaves nothing beside it', async () => {
    await start();
    chmodSync(file, 0o604);
    await control.applyPolicy(withoutGet(), (await control.policy()).revision);
    assert.equal(statSync(file).mode & 0o777, 0o604);
    assert.deepEqual(readdirSync(join(folder, 'grants')), ['data.json']);
  });

  test("of a system of which only one service runs is that one's", async () => {
    await start({ stuck: 'db-client', withinMs: 20_000 });
    services = services.filter(({ name, engine }) => name === 'backend' || engine.close());
    await control.applyPolicy(withoutGet(), (await control.policy()).revision);
    assert.equal(allows('backend'), false);
  });
});

describe('nothing is changed', () => {
  const refusals: [name: string, text: () => string, message: RegExp][] = [
    ['by a text that is no JSON', () => withoutGet().slice(0, -1), /line \d+, column \d+: a closing brace/],
    ['by a name given twice', () => '{ "a": {}, "a": {} }', /given twice/],
    ['by grants that the schema refuses', () => edited((grants) => Object.assign(grants, { me: {} })), /a SPIFFE ID/],
  ];
  for (const [name, text, message] of refusals) {
    test(name, async () => {
      await start();
      const before = await control.policy();
      const seen = logs.find('backend', () => true).length;
      await assert.rejects(control.applyPolicy(text(), before.revision), { code: 'POLICY_REFUSED', message });
      assert.deepEqual(await control.policy(), before);
      assert.deepEqual([allows('backend'), logs.find('backend', () => true).length], [true, seen]);
      const check = await control.checkPolicy(text(), []);
      assert.equal(check.valid, false);
    });
  }

  test('when a service does not take it: the others go back', async () => {
    await start({ stuck: 'db-client', withinMs: 2_000 });
    const before = await control.policy();
    const message = /db-client has not taken it within 2 s; the former grants are back$/;
    await assert.rejects(control.applyPolicy(withoutGet(), before.revision), { code: 'POLICY_REFUSED', message });
    assert.deepEqual(await control.policy(), before);
    assert.equal(allows('backend'), true);
  });

  test('by the second of two who changed the same state', async () => {
    await start();
    const { revision } = await control.policy();
    const [first, second] = await Promise.allSettled([
      control.applyPolicy(withoutGet(), revision),
      control.applyPolicy('{}', revision),
    ]);
    assert.equal(first.status, 'fulfilled');
    assert.ok(second.status === 'rejected');
    assert.equal(second.reason.code, 'POLICY_CHANGED');
    assert.equal(readFileSync(file, 'utf8'), first.value.text);
  });

  test('by undoing what somebody edited since', async () => {
    await start();
    const applied = await control.applyPolicy(withoutGet(), (await control.policy()).revision);
    writeFileSync(file, `${applied.text} `);
    await assert.rejects(control.undoPolicy(applied.revision), { code: 'POLICY_CHANGED' });
    const now = await control.policy();
    assert.equal(now.undoable, 0);
    await assert.rejects(control.undoPolicy(now.revision), { code: 'POLICY_REFUSED', message: /no applied change/ });
    assert.equal(readFileSync(file, 'utf8'), now.text);
  });
});

describe('a check', () => {
  beforeEach(() => start());

  test('says which recent decisions would change', async () => {
    const check = await control.checkPolicy(withoutGet(), [
      decided(),
      decided({
        decisionId: 'd-2',
        input: { ...input, operation: 'GET /hello', http: { method: 'GET', path: ['hello'] } },
      }),
    ]);
    assert.deepEqual([check.valid, check.tried, check.untried], [true, 2, 0]);
    assert.deepEqual(check.changed, [
      {
        decisionId: 'd-1',
        before: { allow: true, reason: 'granted', hides: [] },
        after: { allow: false, reason: 'operation-not-granted', hides: [] },
        self: id('backend'),
        peer: id('customer'),
        operation: 'GET /orders',
      },
    ]);
    assert.equal(allows('backend'), true);
  });

  test('says which would hide something else', async () => {
    const masked = edited((grants) => {
      const operations = grants[id('backend')]?.[id('customer')] ?? {};
      operations['GET /orders'] = { mask: ['item'] };
    });
    const { changed } = await control.checkPolicy(masked, [decided()]);
    assert.deepEqual(changed[0]?.after, { allow: true, reason: 'granted', hides: ['item'] });
  });

  for (const [name, parts] of [
    ['without its input', { input: undefined }],
    ['of which the peer is masked', { hidden: ['/input/peer/spiffe_id'] }],
    ['of which the chain is masked', { hidden: ['/input/chain'] }],
    ['of which the result is masked', { hidden: ['/result/allow'] }],
    ['that was none', { result: undefined }],
  ] as const) {
    test(`counts a decision ${name} as untried`, async () => {
      const check = await control.checkPolicy(withoutGet(), [decided(parts)]);
      assert.deepEqual([check.tried, check.untried, check.changed], [0, 1, []]);
    });
  }

  test('tries a decision of which only the resource is masked', async () => {
    const parts = { hidden: ['/input/resource/id'], input: { ...input, resource: { kind: 'order' } } };
    assert.equal((await control.checkPolicy(withoutGet(), [decided(parts)])).tried, 1);
  });

  test('warns of a grant for nobody, at its line', async () => {
    const text = edited((grants) => Object.assign(grants, { 'spiffe://example.org/nobody': {} }));
    const { valid, warnings } = await control.checkPolicy(text, []);
    const line = 1 + text.split('\n').findIndex((one) => one.includes('example.org'));
    assert.deepEqual([valid, warnings.map((one) => one.line)], [true, [line]]);
  });
});

describe('where the policy is somewhere else', () => {
  const system = systemOf();
  for (const [name, env, why] of [
    ['a bundle server', { POLICY_BUNDLE_URL: 'https://bundles.example.org' }, /POLICY_BUNDLE_URL/],
    ['a bundle without a folder', { POLICY_BUNDLE: 'policy.tar.gz' }, /set POLICY_DATA/],
    ['a signed bundle', { POLICY_VERIFICATION_KEY: 'key.pem' }, /set POLICY_DATA/],
    ['a folder without grants', { POLICY_DATA: tmpdir() }, /ENOENT/],
  ] as const) {
    test(`it says why it can't be changed: ${name}`, async () => {
      const ability = await createPolicyControl({ system, env }).ability();
      assert.match(ability.there ? '' : ability.why, why);
    });
  }
  test('and the committed one can be', async () => {
    assert.deepEqual(await createPolicyControl({ system, env: { PATH: '/bin' } }).ability(), { there: true });
  });
});
