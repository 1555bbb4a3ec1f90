/**
 * Attacks on the running system from its control: the deny matrix's own, made by a program of `test/` that is started when the
 * first is asked for. That program holds the trust domain's key while it runs, so it does not run longer than it is needed.
 */
import { existsSync } from 'node:fs';
import { LocalStackError } from '../errors.ts';
import { type AttackProcess, attackProgram, startAttackProcess } from './attacks-process.ts';
import type { AbilityState, StackControl } from './stack-control.ts';

/** Which system. */
export interface AttackControlOptions {
  readonly stateDirectory: string;
  /** The caller's environment: only what a part needs of it is passed on. */
  readonly env?: NodeJS.ProcessEnv;
  /** The program that attacks; default the checkout's. */
  readonly program?: string;
  /** How long one attack may take, in milliseconds; default 15 000. */
  readonly deadlineMs?: number;
  /** How long the program stays without work; default five minutes. */
  readonly idleMs?: number;
}

/** The control's part that attacks. */
export interface AttackControl extends Pick<StackControl, 'attacks' | 'attack'>, AsyncDisposable {
  readonly ability: AbilityState;
}

const defaultDeadlineMs = 15_000;
const defaultIdleMs = 300_000;

/**
 * Makes it; nothing is started yet. Dispose of it before the system is stopped.
 * @example
 * await using control = createAttackControl({ stateDirectory });
 * const [first] = await control.attacks();
 */
export function createAttackControl(options: AttackControlOptions): AttackControl {
  const { program = attackProgram, deadlineMs = defaultDeadlineMs, idleMs = defaultIdleMs } = options;
  let running: AttackProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let isEnded = false;

  const end = async (): Promise<void> => {
    clearTimeout(idle);
    const ending = running;
    running = undefined;
    await ending?.end();
  };
  /** One that ended meanwhile has failed the question that it ended at; the next one is for a new one. */
  const current = (): AttackProcess => {
    if (isEnded) throw new LocalStackError('CONTROL_FAILED', 'attacks: the system stops');
    running = running === undefined || running.isOver ? startAttackProcess({ ...options, program }) : running;
    return running;
  };
  const inTurn = <Answer>(question: () => Promise<Answer>): Promise<Answer> => {
    const answer = turn.then(async () => {
      clearTimeout(idle);
      try {
        return await question();
      } finally {
        idle = setTimeout(() => {
          turn = turn.then(end);
        }, idleMs).unref();
      }
    });
    turn = answer.catch(() => {});
    return answer;
  };
  const assertThere = (): void => {
    const why = whyNot(program, options.env ?? {});
    if (why !== undefined) throw new LocalStackError('CONTROL_FAILED', why);
  };
  return {
    get ability(): AbilityState {
      const why = whyNot(program, options.env ?? {});
      return why === undefined ? { there: true } : { there: false, why };
    },
    async attacks() {
      assertThere();
      return await inTurn(async () => await current().list());
    },
    async attack(id) {
      assertThere();
      return await inTurn(async () => await current().run(id, deadlineMs));
    },
    async [Symbol.asyncDispose]() {
      isEnded = true;
      await end();
      await turn;
      clearTimeout(idle);
    },
  };
}

/** Log levels at which decisions are written. */
const TELLING = ['trace', 'debug', 'info'];

/** An attack is judged by what the services write of it. */
function whyNot(program: string, env: NodeJS.ProcessEnv): string | undefined {
  const level = env['LOG_LEVEL'] || 'info';
  if (!existsSync(program)) return 'The attacks are in test/, which is not here.';
  if (TELLING.includes(level)) return undefined;
  return `With LOG_LEVEL=${level.slice(0, 20)} the services do not write what they decide; start without it.`;
}
