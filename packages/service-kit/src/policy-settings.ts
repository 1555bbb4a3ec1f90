/**
 * Where the policy of a service comes from: a file or a bundle server, signed or not; and, while one develops, the folder
 * that stands in for its data.
 */
import { readFileSync } from 'node:fs';
import type { BundleAlgorithm, PolicyEngineOptions } from '@countersign/authz';
import { authorizeId, createSpiffeHttpsAgent, type X509Source } from '@countersign/spiffe-tls';
import { policyBundleSetting } from './common-settings.ts';
import type { Config, Setting } from './config.ts';
import { ConfigError } from './config-error.ts';
import { parseOneOf, parseWorkloadId } from './setting-types.ts';

const ALGORITHMS: readonly BundleAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
];

const optionalText = (variable: string, describes: string): Setting<string> => ({
  variable,
  describes,
  fallback: '',
  parse: (text) => text,
});

const seconds = (variable: string, describes: string, fallback: string): Setting<number> => ({
  variable,
  describes,
  fallback,
  parse: (text) => {
    if (!/^\d{1,4}$/.test(text)) throw new Error('must be a number of seconds, up to 9999');
    return Number(text);
  },
});

/** The settings of a service that is called. */
export const policySettings = {
  policyBundle: policyBundleSetting,
  policyBundleUrl: optionalText('POLICY_BUNDLE_URL', 'bundle server to ask instead of a file, an https URL'),
  policyServerId: {
    variable: 'POLICY_BUNDLE_SERVER_ID',
    describes: 'SPIFFE ID that the bundle server must have; none: its web certificate is verified',
    fallback: '',
    parse: (text: string) => (text === '' ? undefined : parseWorkloadId(text)),
  },
  policyPollInterval: seconds(
    'POLICY_POLL_INTERVAL',
    'seconds between two looks at the bundle server, up to twice as many',
    '60',
  ),
  policyLongPoll: seconds('POLICY_LONG_POLL', 'seconds that the bundle server may hold its answer back; 0: none', '0'),
  policyVerificationKey: optionalText(
    'POLICY_VERIFICATION_KEY',
    'PEM file with the public key of bundles; a bundle that it did not sign is then refused',
  ),
  policyVerificationAlgorithm: {
    variable: 'POLICY_VERIFICATION_ALGORITHM',
    describes: 'the algorithm that bundles are signed with',
    fallback: 'RS256',
    parse: parseOneOf(ALGORITHMS),
  },
  policyVerificationScope: optionalText('POLICY_VERIFICATION_SCOPE', 'the scope that signatures must be for'),
  policyData: optionalText(
    'POLICY_DATA',
    'folder of JSON files that replaces the data of an unsigned bundle; for development',
  ),
} as const;

/** What the engine is made with, and what to close after it. */
export interface PolicySource {
  readonly options: PolicyEngineOptions;
  close(): void;
}

/**
 * The engine's options from the settings.
 * @throws {ConfigError} `CONFIG_INVALID` when settings contradict each other, or the key can't be read
 */
export function policySourceOf(config: Config<typeof policySettings>, source: X509Source): PolicySource {
  const problems = problemsOf(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const { policyServerId: serverId, policyBundleUrl: url, policyData, policyPollInterval: pollSeconds } = config;
  const common: PolicyEngineOptions = {
    ...(policyData === '' ? {} : { dataPath: policyData }),
    ...(config.policyVerificationKey === '' ? {} : { verificationKeys: [keyOf(config)] }),
  };
  if (url === '') return { options: { ...common, bundlePath: config.policyBundle }, close() {} };
  const agent =
    serverId === undefined ? undefined : createSpiffeHttpsAgent({ source, authorize: authorizeId(serverId) });
  const server = {
    url,
    pollMs: [pollSeconds * 1000, pollSeconds * 2000] as const,
    longPollSeconds: config.policyLongPoll,
    ...(agent === undefined ? {} : { agent }),
  };
  return { options: { ...common, server }, close: () => agent?.destroy() };
}

/** Nothing is inferred from what is given: a leftover variable would decide where the policy comes from. */
function problemsOf(config: Config<typeof policySettings>): string[] {
  const byUrl = config.policyBundleUrl !== '';
  const problems: string[] = [];
  if (byUrl && config.policyBundle !== policyBundleSetting.fallback)
    problems.push('POLICY_BUNDLE must not be set with POLICY_BUNDLE_URL');
  if (!byUrl && config.policyServerId !== undefined)
    problems.push('POLICY_BUNDLE_SERVER_ID must not be set without POLICY_BUNDLE_URL');
  if (config.policyServerId !== undefined && byUrl && !config.policyBundleUrl.startsWith('https:'))
    problems.push('POLICY_BUNDLE_URL must be https with POLICY_BUNDLE_SERVER_ID');
  if (config.policyPollInterval === 0) problems.push('POLICY_POLL_INTERVAL must be from 1 second');
  if (config.policyData !== '' && config.policyVerificationKey !== '')
    problems.push('POLICY_DATA must not be set with POLICY_VERIFICATION_KEY: signed data is not replaced');
  if (config.policyVerificationScope !== '' && config.policyVerificationKey === '')
    problems.push('POLICY_VERIFICATION_SCOPE must not be set without POLICY_VERIFICATION_KEY');
  return problems;
}

function keyOf(config: Config<typeof policySettings>) {
  const scope = config.policyVerificationScope;
  const key = { id: 'configured', algorithm: config.policyVerificationAlgorithm, ...(scope === '' ? {} : { scope }) };
  try {
    return { ...key, publicKey: readFileSync(config.policyVerificationKey, 'utf8') };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`POLICY_VERIFICATION_KEY must be a readable file: ${why}`]);
  }
}
