/**
 * The stack's control over its socket, on the whole system: what it does is heard of by the services, and what it must not
 * do is refused. Runs on SPIRE, too.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, lstatSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  openStackControl,
  partnerTrustDomain,
  removeStateDirectory,
  type StackControlServer,
} from '@countersign/local-stack';
import { createStackControlClient, type StackControl } from '@countersign/local-stack/control';
import { call } from './json-client.ts';
import { startOrderLoop } from './order-loop.ts';
import { isOnSpire, type SystemAnywhere, startTestSystemAnywhere, temporaryStateDirectory } from './test-system.ts';

/** A copy of the grants, which the services may read whoever they run as. */
const grants = temporaryStateDirectory();
let system: SystemAnywhere;
let server: StackControlServer;
let control: StackControl;

before(async () => {
  cpSync(fileURLToPath(new URL('../../policies/data', import.meta.url)), grants, { recursive: true });
  chmodSync(grants, 0o755);
  const env = { ...process.env, POLICY_DATA: grants };
  system = await startTestSystemAnywhere({ env });
  server = await openStackControl(system, env, assert.ifError);
  control = createStackControlClient(server.path);
});

after(async () => {
  await server?.close();
  await system?.stop();
  removeStateDirectory(grants);
});

const isReady = async (health: string) => (await call(`http://${health}/readyz`)).status === 200;
const serialOf = async (workload: string) => (await control.certificate(workload)).chain[0]?.serial;

/** One request as it is written, without the client that would not send it. */
async function ask(
  method: string,
  path: string,
  body = '',
): Promise<{ readonly status: number | undefined; readonly answer: unknown }> {
  const outgoing = request({ socketPath: server.path, method, path, agent: false });
  // A server that refused has closed its end before everything was sent.
  outgoing.on('error', () => {});
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode, answer: JSON.parse(text) };
}

describe('refusals', () => {
  for (const [name, method, path, body, status, code, says] of [
    ['another path', 'POST', '/v1/stop', '', 400, 'CONTROL_REQUEST', /"POST \/v1\/stop"; there are GET \/v1\/describe/],
    ['another method', 'GET', '/v1/rotate', '', 400, 'CONTROL_REQUEST', /"GET \/v1\/rotate"/],
    ['a path with a query', 'POST', '/v1/rotate?x', '', 400, 'CONTROL_REQUEST', /no such operation/],
    ['no JSON', 'POST', '/v1/withdraw', '{', 400, 'CONTROL_REQUEST', /must be JSON/],
    ['a list', 'POST', '/v1/withdraw', '[]', 400, 'CONTROL_REQUEST', /body must be an object, got \[\]/],
    ['no workload', 'POST', '/v1/withdraw', '{}', 400, 'CONTROL_REQUEST', /body\.workload is missing/],
    ['a number', 'POST', '/v1/give', '{"workload":7}', 400, 'CONTROL_REQUEST', /must be a text, got 7/],
    [
      'another member',
      'POST',
      '/v1/rotate',
      '{"name":"x"}',
      400,
      'CONTROL_REQUEST',
      /no member "name"; there are workload/,
    ],
    [
      'too much',
      'POST',
      '/v1/rotate',
      JSON.stringify({ workload: 'x'.repeat(8_192) }),
      400,
      'CONTROL_REQUEST',
      /4096 bytes/,
    ],
    [
      'an unknown workload',
      'POST',
      '/v1/rotate',
      '{"workload":"nobody"}',
      404,
      'WORKLOAD_UNKNOWN',
      /"nobody"; there are customer, /,
    ],
    [
      'withdrawal of an unknown one',
      'POST',
      '/v1/withdraw',
      '{"workload":"../x"}',
      404,
      'WORKLOAD_UNKNOWN',
      /customer, backend/,
    ],
  ] as const)
    test(name, async () => {
      const { status: found, answer } = await ask(method, path, body);
      const { error } = answer as { error: { code: string; message: string } };
      assert.deepEqual([found, error.code], [status, code]);
      assert.match(error.message, says);
    });

  test('the same error arrives at the client', () =>
    assert.rejects(control.certificate('nobody'), { name: 'LocalStackError', code: 'WORKLOAD_UNKNOWN' }));

  test('another user can neither open the socket nor enter its folder', () => {
    const folder = lstatSync(dirname(server.path));
    assert.equal(folder.uid, process.getuid?.());
    assert.equal(folder.mode & 0o777, isOnSpire() ? 0o710 : 0o700);
    assert.equal(lstatSync(server.path).mode & 0o777, isOnSpire() ? 0o660 : 0o600);
    if (process.getuid?.() !== 0) return;
    const connect = `require('net').connect(process.argv[1]).on('error',(e)=>console.log(e.code)).on('connect',function(){console.log('connected');this.destroy()})`;
    const asUser = (account: { readonly uid: number; readonly gid: number }) =>
      spawnSync(process.execPath, ['-e', connect, server.path], { ...account, cwd: '/', env: {}, encoding: 'utf8' });
    assert.equal(asUser({ uid: 65_534, gid: 65_534 }).stdout.trim(), 'EACCES');
    // The test itself can tell: whoever may open it does.
    const allowed = system.accountOf('console') ?? { uid: 0, gid: 0 };
    assert.equal(asUser(allowed).stdout.trim(), 'connected');
  });

  test('nobody answers at another path', () =>
    assert.rejects(createStackControlClient(`${server.path}.other`).describe(), { code: 'NOT_RUNNING' }));
});

test('it says what there is, and what can be done', async () => {
  const { provider, trustDomain, customerUrl, workloads, federation, abilities } = await control.describe();
  assert.equal(provider, isOnSpire() ? 'spire' : 'embedded');
  assert.deepEqual([trustDomain, customerUrl], [system.identities.trustDomain, system.customerUrl]);
  const { identities } = system;
  assert.deepEqual(
    workloads.map(({ name, spiffeId, registered }) => [name, spiffeId, registered]),
    identities.names().map((name) => [name, identities.workload(name).spiffeId, true]),
  );
  const runs = workloads.filter((workload) => workload.runs).map(({ name }) => name);
  assert.deepEqual(new Set(runs), new Set(['customer', 'backend', 'db-client', 'postgres']));
  assert.equal(federation.federated, false);
  assert.deepEqual([abilities.identity, abilities.federation], [{ there: true }, { there: true }]);
});

test('a rotation is over when the workload presents the new SVID', async () => {
  const [before, other] = [await serialOf('backend'), await serialOf('auditor')];
  const { done } = await control.rotate('backend');
  assert.match(done, /^backend/);
  const presented = system.findLogs('backend', ({ event }) => event === 'identity').at(-1)?.['serialNumber'];
  assert.notEqual(presented, before);
  assert.equal(presented, await serialOf('backend'));
  assert.equal(await serialOf('auditor'), other, 'nobody else is concerned');
  await control.rotate();
  assert.notEqual(await serialOf('auditor'), other);
});

test('two changes at once are made one after the other', async () => {
  const both = await Promise.all([control.withdraw('auditor'), control.give('auditor')]);
  const registered = both.map(({ workloads }) => workloads.find(({ name }) => name === 'auditor')?.registered);
  assert.deepEqual(registered, [false, true]);
});

test('a withdrawn service is not ready, and ready as soon as it has its identity again', async () => {
  const { health } = system.addresses.backend;
  assert.ok(await isReady(health));
  const { workloads } = await control.withdraw('backend');
  assert.equal(workloads.find(({ name }) => name === 'backend')?.registered, false);
  assert.ok(!(await isReady(health)));
  await assert.rejects(control.rotate('backend'), { code: 'WORKLOAD_WITHOUT_IDENTITY' });
  await assert.rejects(control.certificate('backend'), { code: 'WORKLOAD_WITHOUT_IDENTITY' });
  assert.match((await control.withdraw('backend')).done, /already/);
  await control.give('backend');
  assert.ok(await isReady(health));
  assert.match((await control.give('backend')).done, /already/);
});

test('PostgreSQL loses its identity and gets it back', async () => {
  await control.withdraw('postgres');
  await control.give('postgres');
  const heard = system.findLogs('postgres', ({ event }) => event === 'withdrawn' || event === 'certificate');
  assert.deepEqual(
    heard.slice(-2).map(({ event }) => event),
    ['withdrawn', 'certificate'],
  );
});

test('a new CA: every running workload has only the new root, and no order failed', async () => {
  const rootsOf = async (workload: string) =>
    (await control.certificate(workload)).bundles.flatMap(({ authorities }) =>
      authorities.map(({ sha256Fingerprint }) => sha256Fingerprint),
    );
  const [old, ...more] = await rootsOf('backend');
  assert.ok(old);
  assert.deepEqual(more, []);
  const loop = startOrderLoop(system.customerUrl);
  try {
    await loop.completed(4);
    await control.rotateCa();
    await loop.completed(10);
  } finally {
    await loop.stop();
  }
  assert.deepEqual(loop.failures, []);
  const roots = await Promise.all(['customer', 'backend', 'db-client', 'postgres'].map(rootsOf));
  assert.deepEqual(new Set(roots.map(({ length }) => length)), new Set([1]));
  assert.ok(!roots.flat().includes(old));
});

/** The grants with one for the partner's workload, made from what is there now. */
async function grantPartner(operations: Readonly<Record<string, object>>): Promise<string> {
  const { text, revision } = await control.policy();
  const changed: Record<string, Record<string, object>> = JSON.parse(text);
  const backend = changed[system.identities.workload('backend').spiffeId];
  assert.ok(backend);
  backend[(await control.describe()).federation.partnerId] = operations;
  return (await control.applyPolicy(JSON.stringify(changed, undefined, 2), revision)).revision;
}

test('the partner: not believed; believed and not allowed; allowed; and not believed again, whatever is granted', async () => {
  const expectCall = async (served: boolean, wire: string, meaning: RegExp) => {
    const call = await control.partnerCall();
    assert.deepEqual([call.served, call.wire], [served, wire]);
    assert.match(call.meaning, meaning);
  };
  const bundles = async () => (await control.certificate('backend')).bundles.map(({ trustDomain }) => trustDomain);
  const own = system.identities.trustDomain;
  await expectCall(false, 'closed', /^Not believed: backend has no bundle of partner\.example/);
  assert.equal((await control.federate()).federation.federated, true);
  assert.deepEqual(new Set(await bundles()), new Set([own, partnerTrustDomain]));
  await expectCall(false, 'closed', /^Believed, not allowed: .*no grant names spiffe:\/\/partner\.example\/buyer/);
  const other = await grantPartner({ 'GET /orders': {} });
  await expectCall(false, 'HTTP 403 POLICY_DENIED', /^Believed, not allowed: .*none is for GET \/hello/);
  await control.undoPolicy(other);
  await expectCall(false, 'closed', /^Believed, not allowed: backend/);
  const granted = await grantPartner({ 'GET /hello': {} });
  await expectCall(true, 'HTTP 200', /^Allowed: /);
  await control.withdraw('backend');
  await control.give('backend');
  await control.rotate();
  await expectCall(true, 'HTTP 200', /^Allowed: /);
  assert.match((await control.federate()).done, /already/);
  assert.equal((await control.unfederate()).federation.federated, false);
  assert.deepEqual(await bundles(), [own]);
  await expectCall(false, 'closed', /^Not believed/);
  assert.match((await control.unfederate()).done, /does not/);
  await control.undoPolicy(granted);
});
