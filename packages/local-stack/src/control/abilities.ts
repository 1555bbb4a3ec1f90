/** What the control of a system can do, and why not. */
import type { OperatedSystem } from '../system.ts';
import type { AbilityState } from './stack-control.ts';

/** Log levels at which the services tell of a new identity. */
const telling = ['trace', 'debug', 'info'];

/** @param env as the system was started with */
export function abilitiesOf(
  system: Pick<OperatedSystem, 'replacesCa'>,
  env: NodeJS.ProcessEnv,
): Readonly<Record<'identity' | 'federation', AbilityState>> {
  return { identity: stateOf(whyNoIdentity(system, env)), federation: stateOf(whyNoFederation(env)) };
}

function stateOf(why: string | undefined): AbilityState {
  return why === undefined ? { there: true } : { there: false, why };
}

function whyNoIdentity({ replacesCa }: Pick<OperatedSystem, 'replacesCa'>, env: NodeJS.ProcessEnv): string | undefined {
  if (!replacesCa) return 'A new CA takes a root on disk, and this SPIRE is its own root.';
  return whyNothingIsHeard(env);
}

function whyNoFederation(env: NodeJS.ProcessEnv): string | undefined {
  if (env['NODE_ENV'] === 'production')
    return "NODE_ENV is production, where the partner's development trust domain does not run.";
  return whyNothingIsHeard(env);
}

/** A change is over when the workloads say that they have heard of it. */
function whyNothingIsHeard(env: NodeJS.ProcessEnv): string | undefined {
  const level = env['LOG_LEVEL'] || 'info';
  if (telling.includes(level)) return undefined;
  return `With LOG_LEVEL=${level.slice(0, 20)} the services do not say when they have a new identity; start without it.`;
}
