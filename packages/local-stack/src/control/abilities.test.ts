import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilitiesOf } from './abilities.ts';

for (const [name, system, env, identity, federation] of [
  ['as usual', { replacesCa: true }, {}, undefined, undefined],
  ['with more in the logs', { replacesCa: true }, { LOG_LEVEL: 'debug' }, undefined, undefined],
  ['with less in the logs', { replacesCa: true }, { LOG_LEVEL: 'warn' }, /LOG_LEVEL=warn/, /LOG_LEVEL=warn/],
  ['on a SPIRE that is its own root', { replacesCa: false }, {}, /root on disk/, undefined],
  ['in production', { replacesCa: true }, { NODE_ENV: 'production' }, undefined, /production/],
] as ReadonlyArray<
  readonly [string, { replacesCa: boolean }, NodeJS.ProcessEnv, RegExp | undefined, RegExp | undefined]
>)
  test(name, () => {
    const abilities = abilitiesOf(system, env);
    for (const [ability, why] of [
      [abilities.identity, identity],
      [abilities.federation, federation],
    ] as const) {
      assert.equal(ability.there, why === undefined);
      if (!ability.there && why !== undefined) assert.match(ability.why, why);
    }
  });
