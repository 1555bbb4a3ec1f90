import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfigs } from './config.ts';
import { ConfigError } from './config-error.ts';
import { identityProblems, identitySettings, openIdentitySource } from './identity-source.ts';

const SOCKET = 'unix:///run/api.sock';
const FOLDER = '/var/run/secrets/spiffe.io';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfigs(identitySettings, {}, { env, args: [], check: identityProblems });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

// B4: one switch, and nothing inferred.
const refused: ReadonlyArray<readonly [Record<string, string>, RegExp]> = [
  [{}, /^SPIFFE_ENDPOINT_SOCKET is required/],
  [{ SPIFFE_SOURCE: 'workload-api' }, /^SPIFFE_ENDPOINT_SOCKET is required/],
  [{ SPIFFE_FILES_DIRECTORY: FOLDER }, /SPIFFE_ENDPOINT_SOCKET is required.*SPIFFE_FILES_DIRECTORY must not be set/],
  [{ SPIFFE_SOURCE: 'files', SPIFFE_FILES_DIRECTORY: FOLDER }, /^SPIFFE_SOURCE must be one of workload-api, csi/],
  [{ SPIFFE_SOURCE: 'csi-driver-spiffe' }, /^SPIFFE_FILES_DIRECTORY is required/],
  [
    { SPIFFE_SOURCE: 'spiffe-helper', SPIFFE_FILES_DIRECTORY: 'here' },
    /^SPIFFE_FILES_DIRECTORY must be an absolute path/,
  ],
  [
    { SPIFFE_SOURCE: 'spiffe-helper', SPIFFE_FILES_DIRECTORY: FOLDER, SPIFFE_ENDPOINT_SOCKET: SOCKET },
    /^SPIFFE_ENDPOINT_SOCKET must not be set with SPIFFE_SOURCE=spiffe-helper/,
  ],
  [
    { SPIFFE_FILES_DIRECTORY: FOLDER, SPIFFE_ENDPOINT_SOCKET: SOCKET },
    /^SPIFFE_FILES_DIRECTORY must not be set with SPIFFE_SOURCE=workload-api/,
  ],
  [{ SPIFFE_ENDPOINT_SOCKET: 'unix://relative' }, /^SPIFFE_ENDPOINT_SOCKET /],
];

test('B4 what is missing, left over or unknown stops the start with the name of the variable', () => {
  for (const [env, message] of refused) assert.match(problemsOf(env).join('; '), message, JSON.stringify(env));
});

test('B4 each source is opened by its own variables alone', () => {
  const accepted = [
    { SPIFFE_ENDPOINT_SOCKET: SOCKET },
    { SPIFFE_SOURCE: 'workload-api', SPIFFE_ENDPOINT_SOCKET: SOCKET, SPIFFE_FILES_DIRECTORY: '' },
    { SPIFFE_SOURCE: 'csi-driver-spiffe', SPIFFE_FILES_DIRECTORY: FOLDER },
    { SPIFFE_SOURCE: 'spiffe-helper', SPIFFE_FILES_DIRECTORY: FOLDER, SPIFFE_ENDPOINT_SOCKET: '' },
  ];
  for (const env of accepted) {
    assert.deepEqual(problemsOf(env), []);
    const [config] = loadConfigs(identitySettings, {}, { env, args: [] });
    const source = openIdentitySource(config);
    source.ready().catch(() => {});
    assert.throws(() => source.current(), { code: 'SOURCE_NOT_READY' });
    source.close();
  }
});

test('B4 settings that contradict each other open nothing', () => {
  const config = { identitySource: 'csi-driver-spiffe', endpoint: SOCKET, filesDirectory: FOLDER } as const;
  assert.throws(() => openIdentitySource(config), ConfigError);
});
