import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { registrationOf, startTemporary, temporaryDirectory } from '../test/temporary.ts';
import { connect, fetchJwtSvid, header, reader } from '../test/workload-client.ts';
import { EXIT_CODES, runCli } from './cli-commands.ts';
import type { DevTrustDomain } from './dev-trust-domain.ts';

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

async function cli(env: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const output: string[] = [];
  const errors: string[] = [];
  const code = await runCli({
    args,
    env,
    nowMs: Date.now(),
    print: (line) => output.push(line),
    printError: (line) => errors.push(line),
  });
  return { code, output: output.join('\n'), errors: errors.join('\n') };
}

/** A trust domain in `<state>/run`, as `npm start` has it. */
async function setUp(
  context: TestContext,
): Promise<{ trustDomain: DevTrustDomain; env: Record<string, string>; state: string }> {
  const state = await temporaryDirectory(context);
  const trustDomain = await startTemporary(context, {
    runDirectory: join(state, 'run'),
    registrations: [registrationOf('web')],
  });
  return { trustDomain, env: { COUNTERSIGN_STATE_DIR: state }, state };
}

test('status shows CA, workloads and how long they last; --json gives it all', async (context) => {
  const { trustDomain, env, state } = await setUp(context);
  const { code, output } = await cli(env, 'status');
  const status = await trustDomain.status();
  assert.equal(code, EXIT_CODES.done);
  assert.match(output, /trust domain example\.org, SVIDs last 5m/);
  assert.ok(output.includes(`active    ${status.authorities[0]?.serialNumber}`));
  assert.match(output, /web {2}spiffe:\/\/example\.org\/web, serial [0-9A-F]{32}, expires in (5m|4m \d+s), 0 streams/);
  const json = await cli({}, 'status', '--json', '--state-dir', state);
  assert.deepEqual(JSON.parse(json.output), status);
});

test('rotate changes the serial, and rotate --ca the root', async (context) => {
  const { trustDomain, env } = await setUp(context);
  const before = await trustDomain.status();
  const rotated = await cli(env, 'rotate', 'web');
  const after = await trustDomain.status();
  assert.equal(rotated.code, EXIT_CODES.done);
  assert.notEqual(after.workloads[0]?.identities[0]?.serialNumber, before.workloads[0]?.identities[0]?.serialNumber);
  assert.ok(rotated.output.includes(after.workloads[0]?.identities[0]?.serialNumber ?? 'none'));

  const { code, output } = await cli(env, 'rotate', '--ca', '--settle', '0s', '--drop-after', '1h');
  const [active, retiring] = (await trustDomain.status()).authorities;
  assert.equal(code, EXIT_CODES.done);
  assert.ok(output.includes(`CA ${active?.serialNumber} signs now`));
  assert.match(output, new RegExp(`CA ${retiring?.serialNumber} stays in the bundle for (1h|59m)`));
});

test('D17 rotate --jwt changes the key of JWT-SVIDs, and nothing else', async (context) => {
  const { trustDomain, env } = await setUp(context);
  const before = await trustDomain.status();
  const { code, output } = await cli(env, 'rotate', '--jwt', '--settle', '0s', '--drop-after', '1h');
  const after = await trustDomain.status();
  const [active, retiring] = after.jwtAuthorities;
  assert.equal(code, EXIT_CODES.done);
  assert.equal(retiring?.keyId, before.jwtAuthorities[0]?.keyId);
  assert.ok(output.includes(`JWT key ${active?.keyId} signs now`));
  assert.match(output, new RegExp(`JWT key ${retiring?.keyId} stays in the bundle for (1h|59m)`));
  assert.deepEqual([after.authorities, after.workloads], [before.authorities, before.workloads]);
  assert.match((await cli(env, 'status')).output, new RegExp(`active +${active?.keyId}`));
});

test('unregister and register, with an ID and by name', async (context) => {
  const { trustDomain, env } = await setUp(context);
  assert.match((await cli(env, 'unregister', 'web')).output, /web {2}not registered/);
  assert.match((await cli(env, 'register', 'web')).output, /spiffe:\/\/example\.org\/web,/);
  const { code, output } = await cli(
    env,
    'register',
    'late',
    '--spiffe-id',
    'spiffe://example.org/late',
    '--dns',
    'late.example.org',
    '--dns',
    'late',
  );
  assert.equal(code, EXIT_CODES.done);
  assert.ok(output.includes(`SPIFFE_ENDPOINT_SOCKET=${trustDomain.socketOf('late')}`));
  const late = (await trustDomain.status()).workloads.find(({ name }) => name === 'late');
  assert.deepEqual(late?.identities[0]?.dnsNames, ['late.example.org', 'late']);
});

test('D20 faults, the call log and closing streams', async (context) => {
  const { trustDomain, env } = await setUp(context);
  const client = connect(context, trustDomain, 'web');
  const injected = await cli(env, 'fault', 'FetchJWTSVID', '--code', 'ABORTED', '--times', '2', '--details', 'no');
  assert.deepEqual(
    [injected.code, injected.output],
    [EXIT_CODES.done, 'FetchJWTSVID of every workload goes wrong 2 times'],
  );
  await assert.rejects(fetchJwtSvid(client, ['a']), { code: status.ABORTED, details: 'no' });
  assert.equal((await cli(env, 'fault', '--clear')).output, 'no fault waits');
  assert.equal((await fetchJwtSvid(client, ['a'])).svids.length, 1);
  await cli(env, 'fault', 'FetchJWTSVID', '--response', 'Cg==', '--workload', 'web');
  await assert.rejects(fetchJwtSvid(client, ['a']), { code: status.INTERNAL });
  const stream = reader(context, client.fetchX509Svid({}, header('true')));
  await stream.next();
  assert.equal((await cli(env, 'close-streams', 'web', '--code', 'OK')).output, 'ended 1');
  const { output } = await cli(env, 'calls', 'web');
  assert.deepEqual(
    output.split('\n').map((line) => line.split('  ').slice(1, 4)),
    [
      ['web', 'FetchJWTSVID', 'ABORTED'],
      ['web', 'FetchJWTSVID', 'OK'],
      ['web', 'FetchJWTSVID', 'OK'],
      ['web', 'FetchX509SVID', 'OK'],
    ],
  );
  assert.match(output, /"workload\.spiffe\.io":\["true"\]/);
});

test('D12 D18 federation: print the bundle, take another one, let it go', async (context) => {
  const { trustDomain, env, state } = await setUp(context);
  const other = await startTemporary(context, {
    trustDomain: 'other.org',
    registrations: [{ name: 'api', spiffeId: 'spiffe://other.org/api', dnsNames: [] }],
  });
  const printed = await cli(env, 'bundle');
  assert.equal(printed.output, await trustDomain.bundleDocument());
  const file = join(state, 'other.json');
  await writeFile(file, await other.bundleDocument());
  assert.match((await cli(env, 'federate', 'other.org', '--bundle', file)).output, /federated with other\.org/);
  await cli(env, 'register', 'web', '--federates-with', 'other.org');
  const { federatedBundles } = await reader(
    context,
    connect(context, trustDomain, 'web').fetchX509Svid({}, header('true')),
  ).next();
  assert.deepEqual(Object.keys(federatedBundles), ['spiffe://other.org']);
  assert.match((await cli(env, 'status')).output, /^federates with other\.org$/m);
  assert.match((await cli(env, 'unfederate', 'other.org')).output, /no longer federated/);
  assert.deepEqual((await trustDomain.status()).federatesWith, []);
});

test('D18 federate by endpoint: fetched, shown by status, and what fails is told', async (context) => {
  const { trustDomain, env, state } = await setUp(context);
  const other = await startTemporary(context, {
    trustDomain: 'other.org',
    registrations: [],
    bundleEndpoints: [{ profile: 'https_spiffe' }],
  });
  const file = join(state, 'other.json');
  await writeFile(file, await other.bundleDocument());
  const [{ url, spiffeId = '' } = assert.fail('no endpoint')] = (await other.status()).bundleEndpoints;
  const args = ['federate', 'other.org', '--endpoint-url', url, '--profile', 'https_spiffe', '--bundle', file];
  const wrong = await cli(env, ...args, '--endpoint-id', 'spiffe://other.org/wrong');
  assert.equal(wrong.code, EXIT_CODES.done);
  assert.match(wrong.output, /by https:.* \(https_spiffe\), nothing fetched yet; failing: PEER_NOT_AUTHORIZED: /);
  assert.match((await cli(env, 'status')).output, /^federates with other\.org by .*failing: PEER_NOT_AUTHORIZED/m);
  const right = await cli(env, ...args, '--endpoint-id', spiffeId);
  assert.match(right.output, /\(https_spiffe\), sequence \d+, fetched \d{4}-\S+Z$/);
  const json = await cli(env, 'status', '--json');
  assert.deepEqual(JSON.parse(json.output).federations, (await trustDomain.status()).federations);
  assert.match((await cli(env, 'unfederate', 'other.org')).output, /no longer federated/);
  assert.doesNotMatch((await cli(env, 'status')).output, /other\.org/);
});

const refusals: readonly [args: string[], code: number, message: RegExp][] = [
  [[], EXIT_CODES.usage, /no command.*usage:/s],
  [['bogus'], EXIT_CODES.usage, /no such command: bogus/],
  [['status', 'web'], EXIT_CODES.usage, /takes no name/],
  [['status', '--ca'], EXIT_CODES.usage, /status takes no --ca/],
  [['rotate', '--settle', '1s'], EXIT_CODES.usage, /go with --ca and --jwt/],
  [['rotate', '--ca', '--jwt'], EXIT_CODES.usage, /two rotations/],
  [['rotate', '--jwt', 'web'], EXIT_CODES.usage, /takes no name/],
  [['rotate', '--ca', 'web'], EXIT_CODES.usage, /takes no name/],
  [['rotate', '--ca', '--settle', 'soon'], EXIT_CODES.usage, /--settle: must be a duration/],
  [['rotate', 'web', 'job'], EXIT_CODES.usage, /takes one name/],
  [['register'], EXIT_CODES.usage, /needs the name/],
  [['unregister'], EXIT_CODES.usage, /needs the name/],
  [['bundle', 'web'], EXIT_CODES.usage, /takes no name/],
  [['federate', 'other.org'], EXIT_CODES.usage, /needs --bundle/],
  [['federate', 'other.org', '--profile', 'https_web'], EXIT_CODES.usage, /--profile goes with --endpoint-url/],
  [['federate', 'other.org', '--endpoint-url', 'https://x/'], EXIT_CODES.usage, /--endpoint-url needs --profile/],
  [
    ['federate', 'other.org', '--endpoint-url', 'https://x/', '--profile', 'https'],
    EXIT_CODES.refused,
    /https_spiffe or https_web, got "https"/,
  ],
  [
    ['federate', 'other.org', '--endpoint-url', 'http://x/', '--profile', 'https_web'],
    EXIT_CODES.refused,
    /https address/,
  ],
  [['unfederate', 'other.org', '--endpoint-url', 'x'], EXIT_CODES.usage, /unfederate takes no --endpoint-url/],
  [['federate', 'other.org', '--bundle', '/none.json'], EXIT_CODES.usage, /--bundle: can't be read/],
  [['unfederate', 'other.org'], EXIT_CODES.refused, /there is none with "other.org"/],
  [['register', 'web', '--federates-with', 'example.org'], EXIT_CODES.refused, /names of other trust domains/],
  [['fault'], EXIT_CODES.usage, /needs the method/],
  [['fault', 'FetchJWTSVID', '--clear'], EXIT_CODES.usage, /takes no method/],
  [['fault', 'FetchJWTSVID', '--code', 'OK', '--times', 'all'], EXIT_CODES.usage, /--times/],
  [['fault', 'FetchJWTSVID', '--code', 'BAD'], EXIT_CODES.refused, /code must be the name/],
  [['fault', 'Fetch', '--code', 'OK'], EXIT_CODES.refused, /method must be one of/],
  [['close-streams', 'nobody'], EXIT_CODES.refused, /no workload "nobody"/],
  [['register', 'x', '--nonsense'], EXIT_CODES.usage, /nonsense/],
  [['register', 'x'], EXIT_CODES.refused, /needs a spiffeId/],
  [['register', 'X', '--spiffe-id', 'spiffe://example.org/x'], EXIT_CODES.refused, /name must be/],
  [['rotate', 'nobody'], EXIT_CODES.refused, /no workload "nobody"; there are web/],
];

test('wrong use and refusals have their exit codes and say what is wrong', async (context) => {
  const { env } = await setUp(context);
  for (const [args, code, message] of refusals) {
    const outcome = await cli(env, ...args);
    assert.equal(outcome.code, code, args.join(' '));
    assert.match(outcome.errors, message, args.join(' '));
    assert.equal(outcome.output, '');
  }
});

test('where nothing runs it says how to start it', async (context) => {
  const { code, errors } = await cli({ COUNTERSIGN_STATE_DIR: await temporaryDirectory(context) }, 'status');
  assert.equal(code, EXIT_CODES.notRunning);
  assert.match(errors, /npm start/);
});

test('--help shows every command', async () => {
  const { code, output } = await cli({}, '--help');
  assert.equal(code, EXIT_CODES.done);
  for (const word of ['status', 'rotate', 'register', 'unregister', '--state-dir']) assert.ok(output.includes(word));
});
