import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { readGrants } from './grants.ts';
import { apply, discard, edit, isEdited, loadPolicy, settle, undo, usePolicy } from './policy-store.ts';

const ONE = '{}\n';
const TWO = `${JSON.stringify({ 'spiffe://d/b': { 'spiffe://d/c': { 'GET /x': {} } } }, null, 2)}\n`;
const THEIRS = `${JSON.stringify({ 'spiffe://d/b': { 'spiffe://d/a': { 'GET /x': {} } } }, null, 2)}\n`;
const stateOf = (text: string) => ({ text, revision: `of ${text}`, undoable: 0, asGenerated: false });
const check = { valid: true, problems: [], warnings: [], tried: 1, untried: 0, changed: [], revision: 'x' };

/** A console that has the text, and asks whoever changes it for its revision. */
function setUp(first: string) {
  const server = { text: first, checked: [] as string[] };
  mock.method(globalThis, 'fetch', async (path: string, init: RequestInit) => {
    if (path === '/api/session') return Response.json({ token: 't', version: '1', traceLinks: false });
    if (path === '/api/policy') return Response.json(stateOf(server.text));
    const body: unknown = JSON.parse(String(init.body));
    assert.ok(typeof body === 'object' && body !== null);
    if (path === '/api/policy/check') {
      server.checked.push(String('text' in body && body.text));
      return Response.json(check);
    }
    if (!('revision' in body) || body.revision !== stateOf(server.text).revision) {
      return Response.json({ status: 409, reason: 'POLICY_CHANGED', detail: 'changed' }, { status: 409 });
    }
    server.text = 'text' in body ? String(body.text) : ONE;
    return Response.json(stateOf(server.text));
  });
  return server;
}

beforeEach(() => {
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  usePolicy.setState({ draft: '', known: [] }, true);
});

/** Lets the check that was set off by a timer come back. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test('what the services have is what is edited', async () => {
  setUp(TWO);
  await loadPolicy();
  assert.equal(usePolicy.getState().draft, TWO);
  assert.equal(isEdited(usePolicy.getState()), false);
});

test('a text is checked once, a moment after the last key', async () => {
  const server = setUp(ONE);
  await loadPolicy();
  edit('{ ');
  mock.timers.tick(300);
  edit(TWO);
  mock.timers.tick(349);
  assert.deepEqual(server.checked, []);
  mock.timers.tick(1);
  await settled();
  assert.deepEqual(server.checked, [TWO]);
  assert.deepEqual(usePolicy.getState().check, check);
});

test('what is not edited any more is not checked, and the former check is gone', async () => {
  const server = setUp(ONE);
  await loadPolicy();
  edit(TWO);
  discard();
  mock.timers.tick(1_000);
  await settled();
  assert.deepEqual(server.checked, []);
  assert.equal(usePolicy.getState().check, undefined);
});

test('applied, the text is what the services have, and what it took away is still known', async () => {
  const server = setUp(TWO);
  await loadPolicy();
  edit(ONE);
  assert.equal(await apply(), true);
  assert.equal(server.text, ONE);
  const now = usePolicy.getState();
  assert.equal(isEdited(now), false);
  assert.deepEqual(now.known, readGrants(TWO));
});

test('a change that somebody else made meanwhile is not written over, and the draft stays', async () => {
  const server = setUp(ONE);
  await loadPolicy();
  edit(TWO);
  server.text = THEIRS;
  assert.equal(await apply(), false);
  assert.equal(server.text, THEIRS);
  assert.equal(usePolicy.getState().conflict?.text, THEIRS);
  assert.equal(usePolicy.getState().draft, TWO);
  settle('mine');
  assert.equal(usePolicy.getState().draft, TWO);
  assert.equal(usePolicy.getState().base?.text, THEIRS);
  assert.equal(await apply(), true);
  assert.equal(server.text, TWO);
});

test('theirs can be taken', async () => {
  const server = setUp(ONE);
  await loadPolicy();
  edit(TWO);
  server.text = THEIRS;
  await loadPolicy();
  assert.equal(usePolicy.getState().conflict?.text, THEIRS);
  settle('theirs');
  assert.equal(usePolicy.getState().draft, THEIRS);
  assert.equal(usePolicy.getState().conflict, undefined);
});

test('an undo of what somebody else has changed since shows theirs instead', async () => {
  const server = setUp(TWO);
  await loadPolicy();
  server.text = THEIRS;
  assert.equal(await undo(), false);
  assert.equal(usePolicy.getState().draft, THEIRS);
  assert.equal(usePolicy.getState().failed, undefined);
});

test('any other failure is said, and nothing is lost', async () => {
  setUp(ONE);
  await loadPolicy();
  edit(TWO);
  mock.method(globalThis, 'fetch', async () => Response.json({ status: 422, detail: 'no' }, { status: 422 }));
  assert.equal(await apply(), false);
  assert.equal(usePolicy.getState().failed?.problem.detail, 'no');
  assert.equal(usePolicy.getState().draft, TWO);
  assert.equal(usePolicy.getState().working, undefined);
});
