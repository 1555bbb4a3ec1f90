/** Debug output of Node and grpc-js: it prints headers and messages, which no redaction sees. */
import type { Check, EnvironmentFacts, Finding } from '../facts.ts';

const TELLING = /\b(tls|http2?|https|net)\b/;

/** NODE_DEBUG with what prints traffic, and grpc-js's traces. */
export const debugOutput: Check = {
  name: 'debug-output',
  holds: 'no debug output prints traffic',
  run: ({ environments }) => environments.flatMap(examine),
};

function examine({ subject, env }: EnvironmentFacts): Finding[] {
  const set = [
    TELLING.test(env['NODE_DEBUG'] ?? '') ? 'NODE_DEBUG' : '',
    env['GRPC_TRACE'] || env['GRPC_NODE_TRACE'] ? 'GRPC_TRACE' : '',
  ].filter((name) => name !== '');
  const fix = 'Unset it when you are done: headers and messages are printed past the log and its redaction.';
  return set.map((name) => ({ status: 'warn' as const, subject, evidence: `${name} is set`, fix }));
}
