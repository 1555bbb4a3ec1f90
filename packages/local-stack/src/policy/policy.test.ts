import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { runPolicy } from './policy.ts';

const identities = loadIdentities();
const id = (name: string) => identities.workload(name).spiffeId;
const decisionId = '01234567-89ab-4def-8123-456789abcdef';
let state = '';

before(() => {
  state = mkdtempSync(join(tmpdir(), 'policy-'));
  mkdirSync(join(state, 'logs'));
});
after(() => rmSync(state, { recursive: true }));

/** customer may not delete. */
const input = {
  transport: 'http',
  operation: 'DELETE /orders/{id}',
  http: { method: 'DELETE', path: ['orders', '1'] },
  self: { spiffe_id: id('backend') },
  peer: {
    spiffe_id: id('customer'),
    trust_domain: identities.trustDomain,
    path: id('customer').split('/').slice(3),
  },
  chain: [],
  time: '2026-01-02T03:04:05.678Z',
};
const result = { allow: false, reason: 'operation-not-granted', rule: 'operation-is-granted', obligations: [] };
const revision = async () => JSON.parse((await explain(input)).output).revision;
const record = async (parts = {}) => ({
  event: 'decision',
  decision_id: decisionId,
  path: 'countersign/authz/decision',
  input,
  result,
  bundles: { countersign: { revision: await revision() } },
  ...parts,
});

async function run(...args: string[]) {
  const lines: string[] = [];
  const print = (text: string) => void lines.push(text);
  const env = { COUNTERSIGN_STATE_DIR: state };
  const code = await runPolicy({ args, env, print, printError: print });
  return { code, output: lines.join('\n') };
}

function explain(document: unknown) {
  const file = join(state, 'input.json');
  writeFileSync(file, JSON.stringify(document));
  return run('explain', '--json', file);
}

async function explainRecorded(document: unknown, ...args: string[]) {
  const noise = [`{"event":"call","decision_id":"${decisionId}","path":"/orders"}`, `${decisionId} is no JSON`, 'x'];
  writeFileSync(join(state, 'logs', 'backend.log'), [...noise, JSON.stringify(document), ''].join('\n'));
  return run('explain', ...args, decisionId);
}

describe('an input from a file', () => {
  test('is explained', async () => {
    const { code, output } = await explain(input);
    const explained = JSON.parse(output);
    assert.deepEqual([code, explained.result], [0, result]);
    assert.equal(explained.change.possible, true);
    assert.equal(explained.change.result.allow, true);
    assert.equal('recorded' in explained, false);
  });

  const refused: [name: string, document: unknown][] = [
    ['that does not fit the schema', { ...input, transport: 'smoke' }],
    ['that is no object', null],
    ['with a chain that is none', { ...input, chain: 'x' }],
  ];
  for (const [name, document] of refused) {
    test(`is refused ${name}`, async () => {
      const { code, output } = await explain(document);
      assert.equal(code, 1);
      assert.match(output, /policy input/);
    });
  }

  test('is refused when there is no such file', async () => {
    const { code, output } = await run('explain', join(state, 'absent.json'));
    assert.equal(code, 1);
    assert.match(output, /ENOENT/);
  });
});

describe('a decision from a log', () => {
  test('is replayed, among other lines with its ID', async () => {
    const { code, output } = await explainRecorded(await record(), '--json');
    const { recorded } = JSON.parse(output);
    assert.deepEqual([code, recorded.same, recorded.decision_id], [0, true, decisionId]);
  });

  test('is told in words, with its place in identities.json', async () => {
    const { code, output } = await explainRecorded(await record());
    assert.equal(code, 0);
    for (const expected of [
      'REFUSED: customer calls DELETE /orders/{id} of backend',
      'workloads.customer.calls.backend',
    ])
      assert.ok(output.includes(expected), output);
    assert.doesNotMatch(output, /ANOTHER POLICY|DIFFERS/);
  });

  test('that differs says so: exit code 3', async () => {
    const { code, output } = await explainRecorded(await record({ result: { ...result, reason: 'granted' } }));
    assert.equal(code, 3);
    assert.match(output, /^DIFFERS +the record says/m);
  });

  test('of another policy says so', async () => {
    const bundles = { countersign: { revision: 'before' } };
    const { code, output } = await explainRecorded(await record({ bundles }));
    assert.equal(code, 0);
    assert.match(output, /^ANOTHER POLICY +decided by revision before/m);
  });

  for (const [name, parts] of [
    ['the peer', { erased: ['/input/peer/spiffe_id'] }],
    ['the whole input', { erased: ['/input'], input: undefined }],
    ['the chain', { masked: ['/input/chain'] }],
  ] as const) {
    test(`is refused when ${name} is masked`, async () => {
      const { code, output } = await explainRecorded(await record(parts));
      assert.equal(code, 1);
      assert.match(output, /masked at \/input/);
    });
  }

  test('is replayed when what is masked is read by no rule', async () => {
    const masked = { ...input, resource: { kind: 'order' }, time: '[masked]' };
    const parts = { erased: ['/input/resource/id'], masked: ['/input/time'], input: masked };
    const { code } = await explainRecorded(await record(parts));
    assert.equal(code, 0);
  });

  test('is refused when nothing was decided', async () => {
    const { bundles, result: _, ...rest } = await record();
    const { code, output } = await explainRecorded({ ...rest, error: { code: 'PEER_NOT_VERIFIED', message: 'no' } });
    assert.equal(code, 1);
    assert.match(output, /nothing was decided.*PEER_NOT_VERIFIED/);
    assert.ok(bundles);
  });

  test('is not found in logs without it, nor in another file', async () => {
    await explainRecorded(await record());
    const other = await run('explain', 'ffffffff-89ab-4def-8123-456789abcdef');
    assert.equal(other.code, 1);
    assert.match(other.output, /no record of decision ffffffff/);
    writeFileSync(join(state, 'other.log'), '');
    assert.equal((await run('explain', '--log', join(state, 'other.log'), decisionId)).code, 1);
  });
});

describe('list', () => {
  test('who may call db-client, for whom, without what', async () => {
    const { code, output } = await run('list', 'db-client');
    assert.equal(code, 0);
    assert.match(output, /^backend {2}\/.*GetOrder {2}for customer, auditor {2}without customer$/m);
  });
  test('nobody may call customer', async () => {
    assert.deepEqual(await run('list', 'customer'), { code: 0, output: 'nobody may call customer' });
  });
  test('no such service', async () => assert.equal((await run('list', 'nobody')).code, 1));
});

for (const args of [[], ['explain'], ['allow', 'x'], ['explain', 'a', 'b'], ['explain', '--force', 'a']]) {
  test(`wrong use: ${args.join(' ') || 'nothing'}`, async () => assert.equal((await run(...args)).code, 2));
}
