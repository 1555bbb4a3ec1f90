/**
 * The last refusal in the cluster, explained: what was expected, what came, the rule and what to do; and where the policy
 * decided, its decision replayed with the bundle that the cluster has.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalStackError } from '../errors.ts';
import type { LogRecord } from '../part.ts';
import { runPolicy } from '../policy/policy.ts';
import { describeRecord } from '../rogue/report.ts';
import type { ClusterLogs, PodLine } from './cluster-logs.ts';
import type { PolicyConfigMap } from './policy-config-map.ts';

/** What it looks at. */
export interface ExplainParts {
  readonly logs: ClusterLogs;
  readonly policy: PolicyConfigMap;
  print(text: string): void;
  printError(text: string): void;
}

/**
 * @returns exit code: 0 explained, 1 nothing was refused yet, 3 the replay came to another result
 * @throws {LocalStackError} `CLUSTER_FAILED` where no service runs
 */
export async function explainLast({ logs, policy, print, printError }: ExplainParts): Promise<number> {
  const lines = await logs.read();
  if (lines.length === 0)
    throw new LocalStackError('CLUSTER_FAILED', 'no service has written a log: npm run kind -- up, or tilt up');
  const last = lines.filter(isRefusal).sort(byTime).at(-1);
  if (last?.record === undefined) {
    print('nothing was refused since the pods started; npm run kind -- rogue add makes somebody try');
    return 1;
  }
  const { record, container, pod, time } = last;
  print([`${time}  ${pod} refused${what(record)}`, ...describeRecord(container, record)].join('\n'));
  const decisionId = record['decision_id'];
  if (typeof decisionId !== 'string') return 0;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-explain-'));
  try {
    const [log, bundle] = [join(folder, `${pod}.log`), join(folder, 'bundle.tar.gz')];
    writeFileSync(log, lines.map(({ text }) => text).join('\n'));
    writeFileSync(bundle, await policy.read());
    print('');
    return await runPolicy({
      args: ['explain', '--log', log, '--bundle', bundle, decisionId],
      env: {},
      // The file is gone in a moment; the log is the pod's.
      print: (text) => print(text.replaceAll(log, pod)),
      printError,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A connection refused, or a request that this very service refused: one that only passes a refusal on has no rule of its own. */
export function isRefusal({ record }: PodLine): boolean {
  if (record?.['event'] === 'refused') return true;
  return record?.['event'] === 'request' && record['decision'] === 'deny';
}

function byTime({ time: a }: PodLine, { time: b }: PodLine): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function what(record: LogRecord): string {
  const operation = record['operation'];
  return typeof operation === 'string' ? ` ${operation}` : ' a connection';
}
