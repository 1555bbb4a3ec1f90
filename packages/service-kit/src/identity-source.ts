/**
 * Where a process's identity comes from: the Workload API, or files that a producer keeps current. One switch in the
 * environment, and nothing else in a program differs.
 */
import { isAbsolute } from 'node:path';
import {
  createFileX509Source,
  createWorkloadApiX509Source,
  type LiveX509Source,
  parseWorkloadEndpoint,
} from '@countersign/spiffe-tls';
import type { Config, Setting } from './config.ts';
import { ConfigError } from './config-error.ts';
import { parseOneOf } from './setting-types.ts';

const endpoint: Setting<string> = {
  variable: 'SPIFFE_ENDPOINT_SOCKET',
  describes:
    'address of the Workload API, such as unix:///run/spire/sockets/agent.sock; for SPIFFE_SOURCE=workload-api',
  fallback: '',
  parse: (text) => {
    if (text !== '') parseWorkloadEndpoint(text);
    return text;
  },
};

const filesDirectory: Setting<string> = {
  variable: 'SPIFFE_FILES_DIRECTORY',
  describes: 'folder with certificate, key and bundle, for the other values of SPIFFE_SOURCE',
  fallback: '',
  parse: (text) => {
    if (text !== '' && !isAbsolute(text)) throw new Error('must be an absolute path');
    return text;
  },
};

/** The settings of the switch. The platform sets them. */
export const identitySettings = {
  identitySource: {
    variable: 'SPIFFE_SOURCE',
    describes: 'where the identity comes from: workload-api, or files written by csi-driver-spiffe or spiffe-helper',
    fallback: 'workload-api',
    parse: parseOneOf(['workload-api', 'csi-driver-spiffe', 'spiffe-helper']),
  },
  endpoint,
  filesDirectory,
} as const;

/**
 * What no setting can check alone: the chosen source's variable is missing, or another's is given. Nothing is inferred from
 * what is given, because a leftover variable would decide who a process is.
 */
export function identityProblems(config: Partial<Config<typeof identitySettings>>): readonly string[] {
  // Said already: without the choice there is nothing to compare with.
  if (config.identitySource === undefined) return [];
  const byFiles = config.identitySource !== 'workload-api';
  const [needed, other] = byFiles ? [filesDirectory, endpoint] : [endpoint, filesDirectory];
  const [neededValue, otherValue] = byFiles
    ? [config.filesDirectory, config.endpoint]
    : [config.endpoint, config.filesDirectory];
  const problems: string[] = [];
  if (neededValue === '') problems.push(`${needed.variable} is required: ${needed.describes}`);
  if (otherValue !== '') {
    problems.push(`${other.variable} must not be set with SPIFFE_SOURCE=${config.identitySource}`);
  }
  return problems;
}

/**
 * Opens the source that the settings name.
 * @param options.initialTimeoutMs how long to wait for the first identity; default the source's own
 * @throws {ConfigError} `CONFIG_INVALID` with the {@link identityProblems}
 */
export function openIdentitySource(
  config: Config<typeof identitySettings>,
  options: { readonly initialTimeoutMs?: number } = {},
): LiveX509Source {
  const problems = identityProblems(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const { identitySource } = config;
  return identitySource === 'workload-api'
    ? createWorkloadApiX509Source({ ...options, endpoint: config.endpoint })
    : createFileX509Source({ ...options, directory: config.filesDirectory, producer: identitySource });
}
