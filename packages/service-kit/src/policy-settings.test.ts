/** Settings of the policy: what the engine is made with, and combinations that stop the start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { X509Source } from '@countersign/spiffe-tls';
import { loadConfig } from './config.ts';
import { ConfigError } from './config-error.ts';
import { policySettings, policySourceOf } from './policy-settings.ts';

const nobody: X509Source = {
  current: () => assert.fail('no identity is needed for this'),
  subscribe: () => () => {},
} as never;
const sourceOf = (env: Record<string, string>) =>
  policySourceOf(loadConfig(policySettings, { env, args: [] }), nobody).options;
const url = 'https://bundles.example.org/shop.tar.gz';

test('policy settings: the committed bundle by default, and nothing replaces its data', () => {
  const { bundlePath, ...others } = sourceOf({});
  assert.match(String(bundlePath), /policies\/bundle\.tar\.gz$/);
  assert.deepEqual(others, {});
});

test('policy settings: a bundle server, asked as often as it says', () => {
  const { server, bundlePath } = sourceOf({
    POLICY_BUNDLE_URL: url,
    POLICY_POLL_INTERVAL: '5',
    POLICY_LONG_POLL: '30',
  });
  assert.deepEqual(server, { url, pollMs: [5000, 10_000], longPollSeconds: 30 });
  assert.equal(bundlePath, undefined);
});

const REFUSED: [name: string, env: Record<string, string>, message: RegExp][] = [
  ['file and server', { POLICY_BUNDLE: '/b', POLICY_BUNDLE_URL: url }, /POLICY_BUNDLE must not be set with/],
  [
    "a server's ID without server",
    { POLICY_BUNDLE_SERVER_ID: 'spiffe://example.org/bundles' },
    /without POLICY_BUNDLE_URL/,
  ],
  [
    "a server's ID over plain HTTP",
    { POLICY_BUNDLE_URL: 'http://127.0.0.1/b', POLICY_BUNDLE_SERVER_ID: 'spiffe://example.org/bundles' },
    /must be https/,
  ],
  ['data with a key', { POLICY_DATA: '/d', POLICY_VERIFICATION_KEY: '/k' }, /POLICY_DATA must not be set with/],
  ['a scope without key', { POLICY_VERIFICATION_SCOPE: 'write' }, /without POLICY_VERIFICATION_KEY/],
  ['a key that is not there', { POLICY_VERIFICATION_KEY: '/nowhere/key.pem' }, /must be a readable file/],
  ['HMAC', { POLICY_VERIFICATION_ALGORITHM: 'HS256' }, /must be one of RS256/],
  ['no algorithm at all', { POLICY_VERIFICATION_ALGORITHM: 'none' }, /must be one of RS256/],
  ['a poll that never is', { POLICY_POLL_INTERVAL: '0' }, /from 1 second/],
  ['a time that is none', { POLICY_LONG_POLL: '1m' }, /number of seconds/],
];
for (const [name, env, message] of REFUSED) {
  test(`policy settings: refused: ${name}`, () => {
    assert.throws(
      () => sourceOf(env),
      (error: unknown) => error instanceof ConfigError && message.test(error.message),
    );
  });
}
