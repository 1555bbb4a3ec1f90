/**
 * That the committed policy is current, as far as that can be told without OPA: the data is what identities.json says, the
 * bundle carries that data and the revision of these sources. `npm run policy:check` compiles anew and compares the rest.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { parsePolicyBundle } from '../packages/authz/src/bundle/policy-bundle.ts';
import { bundleFile, grantsFile, grantsText, sourcesRevision } from './policy-sources.ts';

const REMEDY = 'run npm run generate';
const committed = readFileSync(grantsFile, 'utf8');
const bundle = await parsePolicyBundle(readFileSync(bundleFile));

test('policies: the grants are those of identities.json', () => {
  assert.equal(committed, grantsText(), REMEDY);
});

test('policies: the bundle is of these rules and data', () => {
  assert.equal(bundle.revision, sourcesRevision(committed), REMEDY);
  assert.deepEqual(bundle.data, { grants: loadIdentities().grants() }, REMEDY);
});

test('policies: another grant is another revision', () => {
  assert.notEqual(sourcesRevision(`${committed} `), bundle.revision);
});
