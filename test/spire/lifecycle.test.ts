/**
 * SPIRE's processes come and go with the system: what is missing is named before anything starts, what fails leaves nothing
 * running, and what a killed run left behind is stopped by the next, which finds the same root and the same orders.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { removeStateDirectory, type SpireSystem } from '@countersign/local-stack';
import { call } from '../integration/json-client.ts';
import { startTestSpireSystem, temporaryStateDirectory } from './spire-system.ts';

const stateDirectory = temporaryStateDirectory();

after(() => removeStateDirectory(stateDirectory));

/** Command lines of SPIRE's processes of this state directory. */
function spireProcesses(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLine)
    .filter((line) => line.includes(`${stateDirectory}/spire/`) && line.includes(' run -config '));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

test('a program that is not there is named before anything starts', async () => {
  await assert.rejects(startTestSpireSystem({ stateDirectory, agent: '/nonexistent/spire-agent' }), {
    code: 'SPIRE_UNAVAILABLE',
    message: /^\/nonexistent\/spire-agent is no program; get one with: npm run peers$/,
  });
  assert.deepEqual(spireProcesses(), []);
});

test('an agent that ends at once fails the start, and the server is stopped', async () => {
  await assert.rejects(startTestSpireSystem({ stateDirectory, agent: '/bin/false' }), {
    code: 'PART_FAILED',
    message: /SPIRE_FAILED spire-agent ended on its own \(exit code 1\)/,
  });
  assert.deepEqual(spireProcesses(), []);
});

test('after a killed run the next one has the same root, the same orders, and one SPIRE', async () => {
  const rootOf = () => readFileSync(join(stateDirectory, 'spire', 'ca', 'root.pem'), 'utf8');
  const first = await startTestSpireSystem({ stateDirectory });
  const id = await placeOrder(first);
  const root = rootOf();
  await first.kill('trust-domain', 'SIGKILL');
  await first.stop();
  assert.equal(spireProcesses().length, 2, 'server and agent outlive what watched them');
  await using second = await startTestSpireSystem({ stateDirectory });
  assert.equal(spireProcesses().length, 2, 'the old ones were stopped');
  assert.equal(rootOf(), root);
  assert.equal((await call(`${second.customerUrl}/api/orders/${id}`)).status, 200);
  await second.stop();
  assert.deepEqual(spireProcesses(), []);
});

async function placeOrder(system: SpireSystem): Promise<string> {
  const { status, body, text } = await call(`${system.customerUrl}/api/orders`, {
    body: { item: 'tea', quantity: 2, customer: 'Ada', via: 'grpc' },
  });
  assert.equal(status, 201, text);
  return (body as { order: { id: string } }).order.id;
}
