/**
 * How the program that attacks is run: started late, one attack at a time, and replaced when it fails. What it does is tested
 * in `test/matrix/lab.test.ts`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type AttackControlOptions, createAttackControl } from './attacks.ts';

/** Does what the attack's ID says, and tells which process it was and how many attacks it had at once. */
const PROGRAM = `
let under = 0;
process.on('message', ({ number, attack }) => {
  if (attack === undefined) return process.send({ number, answer: [{ id: 'one', directory: process.argv[2] }] });
  if (attack === 'hang') return;
  if (attack === 'refuse') return process.send({ number, error: 'no such attack' });
  if (attack === 'crash') {
    process.stderr.write('at some line\\nTypeError: broken\\n    at another\\n');
    process.exit(3);
  }
  under += 1;
  const answer = { pid: process.pid, under, secret: process.env.SECRET };
  setImmediate(() => { under -= 1; process.send({ number, answer }); });
});
process.on('disconnect', () => process.exit());
`;

const folder = mkdtempSync(join(tmpdir(), 'countersign-attacks-'));
const program = join(folder, 'program.mjs');
writeFileSync(program, PROGRAM);
after(() => rmSync(folder, { recursive: true }));

const create = (options: Partial<AttackControlOptions> = {}) =>
  createAttackControl({ stateDirectory: '/somewhere', program, ...options });

/** Of the program's own answer, which is no whole result. */
function factsOf(result: object): { pid: number; under: number } {
  const { pid, under } = Object.fromEntries(Object.entries(result));
  assert.ok(typeof pid === 'number' && typeof under === 'number');
  return { pid, under };
}

test('without the attacks there is no ability, and it says why', async () => {
  await using control = create({ program: join(folder, 'none.mjs') });
  assert.deepEqual(control.ability, { there: false, why: 'The attacks are in test/, which is not here.' });
  await assert.rejects(control.attacks(), { code: 'CONTROL_FAILED', message: /in test\// });
  await assert.rejects(control.attack('one'), { code: 'CONTROL_FAILED', message: /in test\// });
});

test('where the services do not write what attacks are judged by there is no ability either', async () => {
  const cases: [env: NodeJS.ProcessEnv, why: RegExp | undefined][] = [
    [{ LOG_LEVEL: 'warn' }, /^With LOG_LEVEL=warn /],
    [{ LOG_LEVEL: 'debug' }, undefined],
    [{ LOG_LEVEL: '' }, undefined],
  ];
  for (const [env, why] of cases) {
    await using control = create({ env });
    const { ability } = control;
    assert.equal(ability.there, why === undefined, JSON.stringify(env));
    if (!ability.there && why !== undefined) assert.match(ability.why, why);
  }
});

test('the program is told which system, and nothing of our environment that it does not need', async () => {
  await using control = create({ env: { PATH: process.env['PATH'] ?? '', SECRET: 'x' } });
  assert.deepEqual(control.ability, { there: true });
  assert.deepEqual(await control.attacks(), [{ id: 'one', directory: '/somewhere' }]);
  assert.equal('secret' in (await control.attack('one')), false);
});

test('attacks are made one after the other, by one process', async () => {
  await using control = create();
  const facts = (await Promise.all(['a', 'b', 'c'].map((id) => control.attack(id)))).map(factsOf);
  assert.deepEqual(
    facts.map(({ under }) => under),
    [1, 1, 1],
  );
  assert.equal(new Set(facts.map(({ pid }) => pid)).size, 1);
});

test('an attack that can not be made fails alone', async () => {
  await using control = create();
  const { pid } = factsOf(await control.attack('a'));
  await assert.rejects(control.attack('refuse'), { code: 'CONTROL_FAILED', message: 'attacks: no such attack' });
  assert.equal(factsOf(await control.attack('b')).pid, pid);
});

test('a crash is an error of that attack, with its reason; the next starts anew', async () => {
  await using control = create();
  const { pid } = factsOf(await control.attack('a'));
  const crash = control.attack('crash');
  const next = control.attack('b');
  await assert.rejects(crash, { code: 'CONTROL_FAILED', message: /ended \(exit code 3\): TypeError: broken$/ });
  assert.notEqual(factsOf(await next).pid, pid);
});

test('an attack that takes too long is ended, and so is the program', async () => {
  await using control = create({ deadlineMs: 100 });
  await assert.rejects(control.attack('hang'), { code: 'CONTROL_FAILED', message: 'attacks: no answer within 0.1 s' });
  await using other = create();
  assert.ok(factsOf(await other.attack('a')).pid > 0);
});

test('a program without work is ended, and started again for the next attack', async (context) => {
  await using control = create({ idleMs: 60_000 });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { pid } = factsOf(await control.attack('a'));
  context.mock.timers.tick(59_999);
  assert.equal(factsOf(await control.attack('b')).pid, pid);
  context.mock.timers.tick(60_000);
  assert.notEqual(factsOf(await control.attack('c')).pid, pid);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('the end ends what is under way, and nothing begins afterwards', async () => {
  const control = create();
  const { pid } = factsOf(await control.attack('a'));
  const hanging = assert.rejects(control.attack('hang'), { code: 'CONTROL_FAILED', message: /it was ended|stops/ });
  const waiting = assert.rejects(control.attack('b'), { code: 'CONTROL_FAILED', message: /the system stops/ });
  await control[Symbol.asyncDispose]();
  await Promise.all([hanging, waiting]);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  await control[Symbol.asyncDispose]();
});
