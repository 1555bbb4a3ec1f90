/** For tests: a run that has ended with a verdict. */
import type { AttackResult } from '../../../src/wire/actions.ts';
import type { Run } from './attack-list.ts';

export const done = (verdict: AttackResult['verdict']): Run => ({
  state: 'done',
  result: {
    id: 'x',
    verdict,
    wire: '',
    expectedWire: '',
    layer: '',
    reason: '',
    source: { file: 'x.ts', line: 1 },
    problems: [],
    tookMs: 1,
  },
});
