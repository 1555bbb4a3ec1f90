/**
 * Server and client of the control socket, with a control that does nothing: what passes between them, and what does not.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LocalStackError } from '../errors.ts';
import { createStackControlClient } from './client.ts';
import { listenStackControl } from './server.ts';
import type { StackControl } from './stack-control.ts';

/** Does nothing, and says that it was not asked for it. */
const unasked = () => Promise.reject(new TypeError('nobody was to ask for this'));
const idle: StackControl = {
  describe: unasked,
  rotate: unasked,
  rotateCa: unasked,
  withdraw: unasked,
  give: unasked,
  federate: unasked,
  unfederate: unasked,
  partnerCall: unasked,
  certificate: unasked,
  policy: unasked,
  checkPolicy: unasked,
  applyPolicy: unasked,
  undoPolicy: unasked,
  attacks: unasked,
  attack: unasked,
};

function temporaryPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stack-control-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'control', 'stack.sock');
}

async function listen(t: TestContext, control: Partial<StackControl>) {
  const path = temporaryPath(t);
  const bugs: unknown[] = [];
  const server = await listenStackControl({
    path,
    control: { ...idle, ...control },
    onBug: (error) => bugs.push(error),
  });
  t.after(() => server.close());
  return { path, bugs, server, client: createStackControlClient(path) };
}

test('arguments arrive as they were given, and so do answers', async (t) => {
  const asked: unknown[] = [];
  const state = { text: '{}', revision: 'r2', undoable: 1, asGenerated: false };
  const check = { valid: true, problems: [], warnings: [], tried: 1, untried: 0, changed: [], revision: 'r2' };
  const { client } = await listen(t, {
    async checkPolicy(...args) {
      asked.push(args);
      return check;
    },
    async applyPolicy(...args) {
      asked.push(args);
      return state;
    },
  });
  const recent = [{ decisionId: 'd', input: { deep: [1, null] }, result: false, hidden: ['/input/x'] }];
  assert.deepEqual(await client.checkPolicy('{"ü": 1}', recent), check);
  assert.deepEqual(await client.applyPolicy('{}', 'r1'), state);
  assert.deepEqual(asked, [
    ['{"ü": 1}', recent],
    ['{}', 'r1'],
  ]);
});

test('a refusal keeps its code and its message', async (t) => {
  const refusal = new LocalStackError('POLICY_CHANGED', 'somebody else was faster');
  const { client, bugs } = await listen(t, { undoPolicy: () => Promise.reject(refusal) });
  await assert.rejects(client.undoPolicy('r1'), {
    name: 'LocalStackError',
    code: 'POLICY_CHANGED',
    message: refusal.message,
  });
  assert.deepEqual(bugs, []);
});

test('a bug is told here, and not to who asked', async (t) => {
  const bug = new TypeError('the key is 1234');
  const { client, bugs, path } = await listen(t, { rotateCa: () => Promise.reject(bug) });
  await assert.rejects(client.rotateCa(), { code: 'CONTROL_FAILED' });
  const outgoing = request({ socketPath: path, method: 'POST', path: '/v1/rotate-ca', agent: false }).end();
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  assert.equal(response.statusCode, 500);
  assert.deepEqual(JSON.parse(text), { error: { code: 'INTERNAL', message: 'internal error' } });
  assert.deepEqual(bugs, [bug, bug]);
});

test('what is too large for its operation is refused, and the next request is answered', async (t) => {
  const { client } = await listen(t, { withdraw: () => Promise.reject(new LocalStackError('WORKLOAD_UNKNOWN', 'no')) });
  await assert.rejects(client.withdraw('x'.repeat(200)), {
    code: 'CONTROL_REQUEST',
    message: /at most 100 characters/,
  });
  const large = 'x'.repeat(256 * 1024 + 1);
  await assert.rejects(client.applyPolicy(large, 'r1'), { code: 'CONTROL_REQUEST', message: /262144 characters/ });
  await assert.rejects(client.withdraw('x'), { code: 'WORKLOAD_UNKNOWN' });
});

test('the folder is made, and is its owner’s alone', async (t) => {
  const { path } = await listen(t, {});
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a socket that a killed run left is replaced; anything else in its place is not', async (t) => {
  const path = temporaryPath(t);
  mkdirSync(dirname(path), { mode: 0o700 });
  const left = createSocketServer().listen(path);
  await once(left, 'listening');
  const server = await listenStackControl({ path, control: idle });
  left.close();
  await server.close();
  writeFileSync(path, 'mine');
  await assert.rejects(listenStackControl({ path, control: idle }), { code: 'STATE_DIRECTORY' });
  assert.ok(existsSync(path));
});

test('an answer that is not what it has to be is refused', async (t) => {
  const path = temporaryPath(t);
  mkdirSync(dirname(path));
  let answer = '';
  const server = createServer((_, response) => response.end(answer)).listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
  const client = createStackControlClient(path);
  for (const [given, says] of [
    ['<html>', /must be JSON/],
    ['{"text":"{}","revision":"r","undoable":"1","asGenerated":true}', /answer\.undoable must be a number, got "1"/],
    ['{"text":"{}","revision":"r","undoable":1}', /answer\.asGenerated is missing/],
  ] as const) {
    answer = given;
    await assert.rejects(client.policy(), { code: 'CONTROL_REQUEST', message: says });
  }
});

test('once closed nobody answers, whoever still waited included', async (t) => {
  const asked = Promise.withResolvers<void>();
  const never = Promise.withResolvers<never>();
  const { client, server } = await listen(t, {
    policy() {
      asked.resolve();
      return never.promise;
    },
  });
  const waiting = assert.rejects(client.policy(), { code: 'NOT_RUNNING' });
  await asked.promise;
  await server.close();
  await waiting;
  await assert.rejects(client.policy(), { code: 'NOT_RUNNING' });
});
