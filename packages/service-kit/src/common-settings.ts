/** Settings that every program has. */
import { fileURLToPath } from 'node:url';
import type { Setting } from './config.ts';
import { identitySettings } from './identity-source.ts';
import { parseListenAddress, parseOneOf, parseSwitch } from './setting-types.ts';

/** Settings of every process, whether it has an identity or not. */
export const processSettings = {
  logLevel: {
    variable: 'LOG_LEVEL',
    describes: 'trace, debug, info, warn or error',
    fallback: 'info',
    parse: parseOneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
  },
  parentPipe: {
    variable: 'COUNTERSIGN_PARENT_PIPE',
    describes: 'stdin: stop when standard input ends, because the parent has gone',
    fallback: 'none',
    parse: parseOneOf(['none', 'stdin']),
  },
} as const;

/** Settings of every service. */
export const commonSettings = {
  ...identitySettings,
  ...processSettings,
  healthAddress: {
    variable: 'HEALTH_ADDRESS',
    describes: 'where /healthz and /readyz are served, plain HTTP',
    fallback: '127.0.0.1:0',
    parse: parseListenAddress,
  },
  development: {
    variable: 'COUNTERSIGN_DEVELOPMENT',
    describes: '1: answers say which rule refused and which hops a call took',
    fallback: '0',
    parse: parseSwitch,
  },
} as const;

/** The compiled policy of a service that is called. */
export const policyBundleSetting: Setting<string> = {
  variable: 'POLICY_BUNDLE',
  describes: 'file with the compiled policy bundle',
  // The committed one, wherever the process was started.
  fallback: fileURLToPath(new URL('../../../policies/bundle.tar.gz', import.meta.url)),
  parse: (text) => text,
};
