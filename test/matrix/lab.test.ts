/**
 * The attack lab on a running system: each attack by its control, as a page asks for it, and what the page is told.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { RunningSystem } from '@countersign/local-stack';
import type { AttackResult } from '@countersign/local-stack/control';
import { type AttackControl, createAttackControl } from '../../packages/local-stack/src/control/attacks.ts';
import { startTestSystem } from '../integration/test-system.ts';
import { ATTACKS } from './attacks.ts';
import { LEFT_OUT, labCells } from './lab-cells.ts';
import { CALLERS } from './table.ts';

const root = new URL('../../', import.meta.url);
const attacks = labCells();
let system: RunningSystem;
let control: AttackControl;
const results = new Map<string, AttackResult>();

before(async () => {
  system = await startTestSystem({ env: process.env });
  control = createAttackControl({ stateDirectory: system.stateDirectory, env: process.env });
  const started = performance.now();
  for (const { description } of attacks) results.set(description.id, await control.attack(description.id));
  console.log(`# ${attacks.length} attacks in ${Math.round(performance.now() - started)} ms`);
});
after(async () => {
  await control[Symbol.asyncDispose]();
  await system.stop();
});

for (const { description } of attacks) {
  test(description.id, () => {
    const result = results.get(description.id);
    console.log(JSON.stringify({ ...result, record: undefined }));
    assert.deepEqual(result?.problems, []);
  });
}
