/** TLS keys must not be written down: whoever has the file reads all traffic that was recorded. */
import type { Check, EnvironmentFacts, Finding } from '../facts.ts';

/** Names only, never the file's content. */
export const keyLog: Check = {
  name: 'key-log',
  holds: 'no TLS keys are written to a file',
  run: ({ environments }) => environments.flatMap(examine),
};

function examine({ subject, env }: EnvironmentFacts): Finding[] {
  const ways = [
    /--tls-keylog\b/.test(env['NODE_OPTIONS'] ?? '') ? 'NODE_OPTIONS has --tls-keylog' : '',
    env['SSLKEYLOGFILE'] ? 'SSLKEYLOGFILE is set' : '',
  ];
  const fix = 'Take it out, remove the file, and restart: all that was recorded meanwhile can be decrypted.';
  return ways
    .filter((evidence) => evidence !== '')
    .map((evidence) => ({ status: 'fail' as const, subject, evidence, fix }));
}
