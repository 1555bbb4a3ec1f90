/** Each request of the API: what it asks of the control, and what its failures become. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LocalStackError, type LocalStackErrorCode, type StackControl } from '@countersign/local-stack/control';
import { type RigOptions, startRig } from '../../test/console-rig.ts';

/** A control that only says how it was called. */
function recordingControl(calls: unknown[][]): StackControl {
  return new Proxy({} as StackControl, {
    get: (_, name) =>
      typeof name === 'symbol' || name === 'then'
        ? undefined
        : (...args: unknown[]) => {
            calls.push([name, ...args]);
            return Promise.resolve({ did: name });
          },
  });
}

const failing = (error: unknown): Pick<RigOptions, 'control'> => ({
  control: new Proxy({} as StackControl, {
    get: (_, name) => (name === 'then' ? undefined : () => Promise.reject(error)),
  }),
});

const REVISION = 'a'.repeat(64);
const recent = [{ decisionId: 'd1', input: {}, result: {}, hidden: [] }];

const posts: Array<[path: string, body: unknown, call: unknown[]]> = [
  ['/api/identity/rotate', {}, ['rotate', undefined]],
  ['/api/identity/rotate', { workload: 'backend' }, ['rotate', 'backend']],
  ['/api/identity/rotate-ca', {}, ['rotateCa']],
  ['/api/identity/withdraw', { workload: 'db-client' }, ['withdraw', 'db-client']],
  ['/api/identity/give', { workload: 'db-client' }, ['give', 'db-client']],
  ['/api/identity/federate', {}, ['federate']],
  ['/api/identity/unfederate', {}, ['unfederate']],
  ['/api/identity/partner-call', {}, ['partnerCall']],
  ['/api/attacks/auditor-backend-https-lst', {}, ['attack', 'auditor-backend-https-lst']],
  ['/api/policy/check', { text: '{}' }, ['checkPolicy', '{}', recent]],
  ['/api/policy/apply', { text: '{}', revision: REVISION }, ['applyPolicy', '{}', REVISION]],
  ['/api/policy/undo', { revision: REVISION }, ['undoPolicy', REVISION]],
];

const gets: Array<[path: string, call: unknown[]]> = [
  ['/api/attacks', ['attacks']],
  ['/api/policy', ['policy']],
  ['/api/workloads/db-client/certificate', ['certificate', 'db-client']],
];

describe('what is asked of the control', () => {
  const calls: unknown[][] = [];
  const known = { trace: () => undefined, decision: () => undefined, recentDecisions: () => recent };
  const options = { control: recordingControl(calls), known };

  for (const [path, body, call] of posts) {
    it(`POST ${path} ${JSON.stringify(body)}`, async () => {
      calls.length = 0;
      await using rig = await startRig(options);
      const { status, body: answer, headers } = await rig.post(path, body);
      assert.equal(status, 200);
      assert.deepEqual(calls, [call]);
      assert.deepEqual(JSON.parse(answer.toString()), { did: call[0] });
      assert.equal(headers['cache-control'], 'no-store');
    });
  }

  for (const [path, call] of gets) {
    it(`GET ${path}`, async () => {
      calls.length = 0;
      await using rig = await startRig(options);
      assert.equal((await rig.ask({ path })).status, 200);
      assert.deepEqual(calls, [call]);
    });
  }

  for (const [path, body] of [
    ['/api/identity/rotate', { workload: '../x' }],
    ['/api/identity/rotate', { workload: '' }],
    ['/api/identity/rotate', { workload: 1 }],
    ['/api/identity/withdraw', {}],
    ['/api/identity/withdraw', { workload: null }],
    ['/api/identity/give', { workload: 'a'.repeat(64) }],
    ['/api/attacks/a%2fb', {}],
    ['/api/attacks/..%00', {}],
    ['/api/policy/check', {}],
    ['/api/policy/check', { text: ['{}'] }],
    ['/api/policy/apply', { text: '{}' }],
    ['/api/policy/apply', { text: '{}', revision: 'x' }],
    ['/api/policy/apply', { text: 'ä'.repeat(131_073), revision: REVISION }],
    ['/api/policy/undo', {}],
  ] as const) {
    it(`never asked: POST ${path} ${JSON.stringify(body).slice(0, 40)}`, async () => {
      calls.length = 0;
      await using rig = await startRig(options);
      const { status, reason } = await rig.post(path, body);
      assert.deepEqual([status, reason], [400, 'FIELD_INVALID']);
      assert.deepEqual(calls, []);
    });
  }

  it('a text of the longest length, each character escaped, is taken', async () => {
    calls.length = 0;
    await using rig = await startRig(options);
    const text = '"'.repeat(256 * 1024);
    assert.equal((await rig.post('/api/policy/check', { text })).status, 200);
    assert.deepEqual(calls, [['checkPolicy', text, recent]]);
  });
});

describe('failures', () => {
  const statuses: Array<[LocalStackErrorCode, number]> = [
    ['CONTROL_REQUEST', 400],
    ['WORKLOAD_UNKNOWN', 404],
    ['POLICY_CHANGED', 409],
    ['POLICY_REFUSED', 422],
    ['CONTROL_BUSY', 429],
    ['CONTROL_FAILED', 502],
    ['NOT_RUNNING', 503],
    ['CONTROL_TIMEOUT', 504],
  ];
  for (const [code, expected] of statuses) {
    it(`${code} of the control is ${expected}, with its message`, async () => {
      await using rig = await startRig(failing(new LocalStackError(code, 'this and that')));
      const { status, reason, body } = await rig.post('/api/identity/rotate', {});
      assert.deepEqual([status, reason], [expected, code]);
      assert.equal(JSON.parse(body.toString()).detail, 'this and that');
    });
  }

  it('a bug is 500, says nothing outside, and stands in the log', async () => {
    await using rig = await startRig(failing(new TypeError('secret detail')));
    const { status, body } = await rig.post('/api/identity/rotate', {});
    assert.equal(status, 500);
    assert.doesNotMatch(body.toString(), /secret/);
    assert.ok(rig.log.some(({ event }) => event === 'handler_failed'));
  });

  it('without a control or a customer: 503 and which variable', async () => {
    await using rig = await startRig();
    for (const [path, body, variable] of [
      ['/api/identity/rotate', {}, 'STACK_CONTROL_SOCKET'],
      ['/api/policy/undo', { revision: REVISION }, 'STACK_CONTROL_SOCKET'],
      ['/api/orders', {}, 'CUSTOMER_URL'],
      ['/api/load', { perSecond: 1 }, 'CUSTOMER_URL'],
    ] as const) {
      const answer = await rig.post(path, body);
      assert.deepEqual([answer.status, answer.reason], [503, 'NOT_CONNECTED']);
      assert.match(answer.body.toString(), new RegExp(variable));
    }
  });

  it('what is not known, or no longer: 404; what is no ID: 400', async () => {
    await using rig = await startRig();
    assert.equal((await rig.ask({ path: `/api/traces/${'a'.repeat(32)}` })).status, 404);
    assert.equal((await rig.ask({ path: '/api/decisions/0c8f' })).status, 404);
    assert.equal((await rig.ask({ path: '/api/traces/xyz' })).status, 400);
    assert.equal((await rig.ask({ path: '/api/decisions/%2e%2e%2f' })).status, 400);
  });
});
