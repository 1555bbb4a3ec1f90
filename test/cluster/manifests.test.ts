/** What runs is what the repository says: every object of the overlay, as the API server would write it, is the one there. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Api, openApi } from './suite/api.ts';
import { differences, OVERLAY, renderOverlay } from './suite/manifests.ts';

let api: Api;

before(async () => {
  api = await openApi();
});

after(() => api?.[Symbol.asyncDispose]());

test(`every object of kind/overlays/${OVERLAY} is there as it is written, but for the tags of images built here`, async (t) => {
  const objects = renderOverlay();
  t.diagnostic(`${objects.length} objects`);
  assert.ok(objects.length > 30, 'all of them');
  assert.equal(await differences(api, objects), '');
});

test('a change that somebody made by hand is seen', async () => {
  const [policy] = renderOverlay().filter(({ kind }) => kind === 'NetworkPolicy');
  assert.ok(policy);
  const spec = { podSelector: {}, policyTypes: ['Egress'], egress: [{}] };
  assert.match(await differences(api, [{ ...policy, spec }]), /^[-+] /m);
});
