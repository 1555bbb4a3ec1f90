/**
 * Every button of the attack lab: what the page shows is what the deny matrix expects, and what the log of the attacked
 * service says.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LogRecord, ProgramName } from '@countersign/local-stack';
import type { AttackResult } from '@countersign/local-stack/control';
import { labCells } from '../matrix/lab-cells.ts';
import { type Lab, type OpenConsole, startLab } from './lab.ts';

const SHOWN = { refused: 'refused, as it must be', served: 'served, as it must be', limit: 'a known limit' };
const VERDICTS = { in: 'served', no: 'refused', limit: 'limit' };
const cells = labCells();
let lab: Lab;
let view: OpenConsole;

before(async () => {
  lab = await startLab({ svidTtlMs: 3_600_000 });
  view = await lab.open();
  const attacks = await view.tab('Attack lab');
  await attacks.getByRole('button', { name: 'Open all' }).click();
});
after(() => lab?.close());

test('the lab has a button for each of its cells, and no other', async () => {
  const shown = await view.page.locator('[data-attack]').all();
  const ids = await Promise.all(shown.map((one) => one.getAttribute('data-attack')));
  assert.deepEqual(new Set(ids), new Set(cells.map(({ description }) => description.id)));
  assert.equal(ids.length, cells.length);
});

for (const { description, cell } of cells) {
  const { id, attack, caller, server } = description;
  test(`${attack}, by ${caller} at ${server}: ${id}`, async () => {
    const row = view.page.locator(`[data-attack="${id}"]`);
    const answered = view.page.waitForResponse((response) => response.url().endsWith(`/api/attacks/${id}`));
    await row.getByRole('button', { name: /^Run / }).click();
    const result: AttackResult = await (await answered).json();
    await row.and(view.page.locator('[data-verdict]')).waitFor();
    assert.deepEqual(result.problems, []);
    assert.ok(result.verdict !== 'wrong');
    const text = (await row.textContent()) ?? '';
    for (const said of [
      SHOWN[result.verdict],
      result.wire,
      result.reason,
      `${result.source.file}:${result.source.line}`,
    ])
      assert.ok(text.includes(said), `"${said}" is not in: ${text}`);
    // Some are expected only once the attempt has shown what it met; the lab judges those by the same function.
    if (typeof cell.expected !== 'function') assert.equal(result.verdict, VERDICTS[cell.expected.verdict]);
    if (result.record !== undefined) assertLogged(result.record);
  });
}

/** The record that the page shows is a line of the service's own log. */
function assertLogged(record: Readonly<Record<string, unknown>>): void {
  const program = String(record['service']) as ProgramName;
  const same = (line: LogRecord) => line['time'] === record['time'] && line['event'] === record['event'];
  assert.ok(lab.system.findLogs(program, same).length > 0, `${program} logged no ${JSON.stringify(record)}`);
}

test('nothing went wrong in the page meanwhile', () => view.assertClean());
