/**
 * `npm run policy -- explain <decision ID | input.json>`: replays a decision from the same bundle, and says which rule
 * decided, on what data, and what would have to change. `list <service>` says who may call what.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { createExplainer, type Explanation } from '@countersign/authz';
import { type Identities, loadIdentities } from '@countersign/identities';
import { LocalStackError, messageOf } from '../errors.ts';
import { stateDirectoryFromEnv } from '../settings.ts';
import { findDecision, hiddenInput, inputToReplay, type LoggedDecision, logFilesOf } from './find-decision.ts';
import { explanationText, listText } from './policy-text.ts';

/** What the program is run with. */
export interface PolicyContext {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  print(text: string): void;
  printError(text: string): void;
}

/** What `explain --json` prints. */
export interface ExplainDocument extends Explanation {
  /** Absent for an input from a file. */
  readonly recorded?: {
    readonly decision_id: string;
    readonly file: string;
    readonly revision: string | undefined;
    readonly result: unknown;
    /** Whether the replay came to the same result. */
    readonly same: boolean;
  };
}

const usage = `usage: npm run policy -- explain [--bundle FILE] [--log FILE] [--json] <decision ID | input.json>
       npm run policy -- list <service>
  A decision ID is looked for in the logs of the system in .countersign, or in the --log file.`;

const committedBundle = new URL('../../../../policies/bundle.tar.gz', import.meta.url);

interface Wanted {
  readonly command: 'explain' | 'list';
  readonly what: string;
  readonly json: boolean;
  readonly bundle: string | undefined;
  readonly log: string | undefined;
}

/** @returns exit code: 0 shown, 1 not found or invalid, 2 wrong use, 3 the replay came to another result */
export async function runPolicy({ args, env, print, printError }: PolicyContext): Promise<number> {
  const wanted = parse(args);
  if (wanted === undefined) {
    printError(usage);
    return 2;
  }
  try {
    if (wanted.command === 'list') {
      print(listText(loadIdentities(), wanted.what));
      return 0;
    }
    const document = await explain(wanted, env);
    print(wanted.json ? JSON.stringify(document, undefined, 2) : explanationText(document, namesOf(loadIdentities())));
    return document.recorded?.same === false ? 3 : 0;
  } catch (error) {
    printError(`policy: ${messageOf(error)}`);
    return 1;
  }
}

function parse(args: readonly string[]): Wanted | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        bundle: { type: 'string' },
        log: { type: 'string' },
      },
      allowPositionals: true,
    });
    const [command, what, ...rest] = positionals;
    if ((command !== 'explain' && command !== 'list') || what === undefined || rest.length > 0) return undefined;
    return { command, what, json: values.json, bundle: values.bundle, log: values.log };
  } catch {
    return undefined;
  }
}

async function explain({ what, bundle, log }: Wanted, env: NodeJS.ProcessEnv): Promise<ExplainDocument> {
  const { explain, revision } = await createExplainer(
    readFileSync(bundle ?? (env['POLICY_BUNDLE'] || committedBundle)),
  );
  if (!isDecisionId(what)) return explain(JSON.parse(readFileSync(what, 'utf8')));
  const files = log === undefined ? logFilesOf(stateDirectoryFromEnv(env)) : [log];
  const decision = findDecision(what, files);
  if (decision === undefined) throw notFound(what, files);
  checkReplayable(decision);
  try {
    const explained = explain(inputToReplay(decision));
    const same = isDeepStrictEqual(explained.result, decision.result) || hidesResult(decision, explained);
    const recorded = {
      decision_id: what,
      file: decision.file,
      revision: decision.revision,
      result: decision.result,
      same,
    };
    return { ...explained, recorded };
  } catch (error) {
    throw new LocalStackError(
      'DECISION_UNKNOWN',
      `decision ${what} can't be replayed with ${revision}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** UUIDs alone: a file is never called like that by accident. */
function isDecisionId(what: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(what);
}

function notFound(decisionId: string, files: readonly string[]): LocalStackError {
  const where = files.length === 0 ? 'there are no logs: did the system run from this checkout?' : files.join(', ');
  return new LocalStackError('DECISION_UNKNOWN', `no record of decision ${decisionId}; looked in: ${where}`);
}

/** @throws {LocalStackError} `DECISION_UNKNOWN` when the record is not enough to ask the policy the same again. */
function checkReplayable(decision: LoggedDecision): void {
  const { decisionId, error, input } = decision;
  const hidden = hiddenInput(decision);
  if (hidden.length > 0)
    throw new LocalStackError(
      'DECISION_UNKNOWN',
      `decision ${decisionId} can't be replayed: its record is masked at ${hidden.join(', ')}, and the rules were asked with what stood there`,
    );
  if (error !== undefined)
    throw new LocalStackError(
      'DECISION_UNKNOWN',
      `decision ${decisionId} is none of the policy's: nothing was decided, because of ${JSON.stringify(error)}`,
    );
  if (input === undefined)
    throw new LocalStackError('DECISION_UNKNOWN', `decision ${decisionId} can't be replayed: its record has no input`);
}

/** A masked result is compared by what is left of it that can't be masked away without a trace: whether it allows. */
function hidesResult({ hidden, result }: LoggedDecision, { result: replayed }: Explanation): boolean {
  if (!hidden.some((path) => path.startsWith('/result/')) || hidden.includes('/result/allow')) return false;
  return typeof result === 'object' && result !== null && 'allow' in result && result.allow === replayed.allow;
}

function namesOf(identities: Identities): ReadonlyMap<string, string> {
  return new Map(identities.names().map((name) => [identities.workload(name).spiffeId, name]));
}
