/**
 * `npm run rogue`, `npm run inspect` and `npm run trust-domain` as a person runs them, beside a running system. rogue's exit
 * code is itself under test: a refusal that is missing must turn it red.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createWorkloadApiX509Source, fetchX509Context } from '@countersign/spiffe-tls';
import { call } from './json-client.ts';
import { runProgram } from './run-program.ts';
import { isOnSpire, type SystemAnywhere, startTestSystemAnywhere, temporaryStateDirectory } from './test-system.ts';

const ROGUE = 'packages/local-stack/src/rogue/main.ts';
const INSPECT = 'packages/local-stack/src/inspect/main.ts';
const TRUST_DOMAIN = 'packages/dev-trust-domain/src/cli.ts';
let system: SystemAnywhere;

before(async () => {
  system = await startTestSystemAnywhere();
});

after(() => system?.stop());

function run(program: string, ...args: string[]) {
  return runProgram(program, args, { COUNTERSIGN_STATE_DIR: system.stateDirectory });
}

async function countOrders(): Promise<number> {
  const { body } = await call(`${system.customerUrl}/api/orders`);
  const orders = body?.['orders'];
  assert.ok(Array.isArray(orders));
  return orders.length;
}

test('every way in is refused for its proper reason, and nothing is written', async () => {
  const before = await countOrders();
  const { code, stdout, stderr } = await run(ROGUE);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  for (const expected of ['PEER_NOT_AUTHORIZED', 'NO_PEER_CERTIFICATE', 'operation-not-granted']) {
    assert.ok(stdout.includes(expected), `${expected} is missing in\n${stdout}`);
  }
  assert.equal(await countOrders(), before);
});

test('rogue fails when a way in is open: with a grant, its calls are no longer refused', async () => {
  // The rogue is now given a permitted identity, as if its registration had been widened by mistake.
  await system.control.withdraw('rogue');
  await system.control.give('rogue', 'customer');
  await untilIs('rogue', 'customer');
  const { code, stdout } = await run(ROGUE);
  assert.notEqual(code, 0, stdout);
  await system.control.withdraw('rogue');
  await system.control.give('rogue');
  await untilIs('rogue', 'rogue');
});

/** Resolves when a workload has this identity: on SPIRE it takes until the agent has asked again. */
async function untilIs(workload: string, identity: string): Promise<void> {
  const expected = system.identities.workload(identity).spiffeId;
  const endpoint = await system.socketAs(workload);
  await using source = createWorkloadApiX509Source({ endpoint });
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      try {
        if (String(source.current().svid.id) === expected) resolve();
      } catch {
        // Nothing between one identity and the next.
      }
    };
    source.subscribe(look);
    source.ready().then(look, reject);
  });
}

test('rogue says what to do when no system runs', async () => {
  const { code, stderr, stdout } = await runProgram(ROGUE, [], { COUNTERSIGN_STATE_DIR: temporaryStateDirectory() });
  assert.notEqual(code, 0);
  assert.match(stderr + stdout, /npm start/);
});

test('inspect prints what the customer says of itself', async () => {
  const { code, stdout, stderr } = await run(INSPECT, 'customer', '--json');
  assert.equal(code, 0, stderr);
  const inspected = JSON.parse(stdout);
  const { body } = await call(`${system.customerUrl}/api/identity`);
  assert.deepEqual(inspected, body);
});

test('inspect says the same of a Workload API socket and of a PEM file', async () => {
  const socket = await system.socketAs('auditor');
  const { svid } = await fetchX509Context({ endpoint: socket });
  const file = join(system.stateDirectory, 'auditor.pem');
  writeFileSync(file, svid.certificatePem);
  const [bySocket, byFile] = await Promise.all([run(INSPECT, socket, '--json'), run(INSPECT, file, '--json')]);
  assert.equal(byFile.code, 0, byFile.stderr);
  assert.deepEqual(JSON.parse(byFile.stdout), JSON.parse(bySocket.stdout));
  const certificate = new X509Certificate(svid.certificatePem);
  assert.equal(JSON.parse(byFile.stdout).serial, certificate.serialNumber);
  const nothing = await run(INSPECT, 'no-such-thing');
  assert.notEqual(nothing.code, 0);
});

// On SPIRE, `spire-server` is what does this.
const skip = isOnSpire();
test('the trust domain shows and rotates what is registered', { skip }, async () => {
  const before = await run(TRUST_DOMAIN, 'status');
  assert.equal(before.code, 0, before.stderr);
  for (const name of system.identities.names()) assert.ok(before.stdout.includes(name), before.stdout);
  const rotated = await run(TRUST_DOMAIN, 'rotate');
  assert.equal(rotated.code, 0, rotated.stderr);
  const after = await run(TRUST_DOMAIN, 'status');
  assert.notEqual(after.stdout, before.stdout);
  const wrong = await run(TRUST_DOMAIN, 'rotate', 'nobody-of-this-name');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /nobody-of-this-name/);
});
