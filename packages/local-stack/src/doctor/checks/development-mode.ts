/** What is for development must not run in production. */
import type { Check, EnvironmentFacts, Finding } from '../facts.ts';

/** NODE_ENV says which it is. */
export const developmentMode: Check = {
  name: 'development-mode',
  holds: 'production runs without development settings',
  run: ({ environments }) => environments.flatMap(examine),
};

function examine({ subject, env }: EnvironmentFacts): Finding[] {
  if (env['NODE_ENV'] !== 'production' || !['1', 'true'].includes(env['COUNTERSIGN_DEVELOPMENT'] ?? '')) return [];
  const evidence = 'COUNTERSIGN_DEVELOPMENT is on and NODE_ENV=production';
  const fix = 'Set COUNTERSIGN_DEVELOPMENT=0: answers tell callers rules, grants and hops.';
  return [{ status: 'fail', subject, evidence, fix }];
}
