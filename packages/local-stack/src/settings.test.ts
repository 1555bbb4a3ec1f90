import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { spireFromEnv } from './settings.ts';

describe('COUNTERSIGN_IDENTITY_PROVIDER', () => {
  for (const unset of [{}, { COUNTERSIGN_IDENTITY_PROVIDER: '' }, { COUNTERSIGN_IDENTITY_PROVIDER: 'embedded' }])
    it(`${JSON.stringify(unset)}: the development trust domain, whatever SPIRE is there`, () =>
      assert.equal(spireFromEnv({ ...unset, COUNTERSIGN_SPIRE_SERVER: '/opt/spire-server' }), undefined));

  it('spire: its programs by their variables, else by name on PATH', () => {
    assert.deepEqual(
      spireFromEnv({ COUNTERSIGN_IDENTITY_PROVIDER: 'spire', COUNTERSIGN_SPIRE_SERVER: '/opt/spire-server' }),
      { server: '/opt/spire-server', agent: 'spire-agent' },
    );
  });

  for (const wrong of ['SPIRE', 'vault', 'spire '])
    it(`${JSON.stringify(wrong)}: refused by name`, () =>
      assert.throws(() => spireFromEnv({ COUNTERSIGN_IDENTITY_PROVIDER: wrong }), {
        code: 'SETTING_INVALID',
        message: `COUNTERSIGN_IDENTITY_PROVIDER: must be "embedded" or "spire", got ${JSON.stringify(wrong)}`,
      }));
});
