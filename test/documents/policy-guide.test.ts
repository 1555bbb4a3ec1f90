/**
 * The guide to the policy: its `policy` commands, run as they stand, beside a log and an input of the names that it uses.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { root } from './snippets.ts';

const guide = readFileSync(join(root, 'docs/guides/policy.md'), 'utf8');
const commands = [...guide.matchAll(/^npm run policy -- (.*)$/gm)].map(([, rest = '']) => rest.split(' '));
const folder = mkdtempSync(join(tmpdir(), 'policy-guide-'));
after(() => rmSync(folder, { recursive: true }));

const { trustDomain, workload } = loadIdentities();
const backend = workload('backend').spiffeId;
/** backend leaves the caller chain out. */
const input = {
  transport: 'grpc',
  operation: '/countersign.orders.v1.OrderService/ListOrders',
  grpc: { service: 'countersign.orders.v1.OrderService', method: 'ListOrders' },
  self: { spiffe_id: workload('db-client').spiffeId },
  peer: { spiffe_id: backend, trust_domain: trustDomain, path: backend.split('/').slice(3) },
  chain: [],
  time: '2026-01-02T03:04:05.678Z',
};
const result = { allow: false, reason: 'chain-required', rule: 'chain-is-present', obligations: [] };

function run(args: readonly string[]) {
  const program = join(root, 'packages/local-stack/src/policy/main.ts');
  const env = { ...process.env, COUNTERSIGN_STATE_DIR: folder };
  return spawnSync(process.execPath, [program, ...args], { cwd: folder, env, encoding: 'utf8' });
}

test('the commands do what the guide says', () => {
  const decisionId = commands.flat().find((word) => /^[0-9a-f]{8}-/.test(word));
  mkdirSync(join(folder, 'logs'));
  const record = { decision_id: decisionId, path: 'countersign/authz/decision', input, result };
  writeFileSync(join(folder, 'logs', 'db-client.log'), JSON.stringify(record));
  writeFileSync(join(folder, 'input.json'), JSON.stringify(input));
  assert.deepEqual(
    commands.map(([command]) => command),
    ['list', 'list', 'explain', 'explain'],
  );
  for (const command of commands) {
    const { status, stdout, stderr } = run(command);
    assert.equal(status, 0, `${command.join(' ')}: ${stderr}`);
    const expected = command[0] === 'explain' ? /^because +chain-required$/m : /^\S+ {2}\S+/m;
    assert.match(stdout, expected);
  }
});

test('the other commands are commands', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const named = [...guide.matchAll(/^npm run ([\w:]+)/gm)].map(([, name = '']) => name);
  assert.ok(named.includes('generate') && named.includes('policy:check'));
  for (const name of named) assert.ok(Object.hasOwn(scripts, name), name);
});

test('every reason is in the guide', () => {
  const list: Record<string, { reason: string }> = JSON.parse(
    readFileSync(join(root, 'policies/rule-list.json'), 'utf8'),
  );
  const reasons = Object.values(list).map(({ reason }) => reason);
  assert.ok(reasons.length >= 11);
  for (const reason of reasons.filter((one) => !['granted', 'no-rule-applies'].includes(one)))
    assert.ok(guide.includes(`\`${reason}\``), reason);
});
