/**
 * The examples for other clusters, as the API server judges them: applied as a dry run, which passes every admission and leaves
 * nothing. What they say to cert-manager is judged by its own definitions, which are there for that time. None of it is run.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ensureCrds } from '../../scripts/cluster-tools-crds.mjs';
import { type Api, openApi } from './suite/api.ts';
import { kubectl, type Outcome, tryKubectl } from './suite/kubectl.ts';
import { FIELD_MANAGER, listOf, type Manifest, renderExample, withRunningImages } from './suite/manifests.ts';
import { corePath, type Deployment, deploymentPath } from './suite/objects.ts';

let api: Api;

before(async () => {
  api = await openApi();
});

after(() => api?.[Symbol.asyncDispose]());

function dryRun(manifests: readonly object[]): Promise<Outcome> {
  const options = ['--server-side', '--dry-run=server', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`];
  return tryKubectl(['apply', ...options, '--validate=strict', '--filename=-'], { input: listOf(manifests) });
}

async function assertTaken(manifests: readonly Manifest[]): Promise<void> {
  const { code, stdout, stderr } = await dryRun(manifests);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/\(server dry run\)$/gm)?.length, manifests.length, stdout);
}

test('identities from files of csi-driver-spiffe: every object is taken, and so are its pods', async () => {
  const objects = await withRunningImages(api, renderExample('csi-driver-spiffe'));
  const before = await api.get<Deployment>(deploymentPath('customer'));
  await assertTaken(objects);
  const changed = objects.filter((object) => JSON.stringify(object).includes('spiffe.csi.cert-manager.io'));
  assert.deepEqual(changed.map(({ metadata }) => metadata.name).sort(), ['backend', 'customer']);
  for (const { metadata, spec } of changed) {
    // Pod Security judges pods, not what makes them.
    const { template } = { template: {}, ...spec };
    const body = { ...template, apiVersion: 'v1', kind: 'Pod' };
    const named = { ...body, metadata: { ...metadata, namespace: undefined } };
    const { status, text } = await api.send(`${corePath('pods')}?dryRun=All&fieldValidation=Strict`, {
      method: 'POST',
      body: named,
    });
    assert.equal(status, 201, text);
  }
  const after = await api.get<Deployment>(deploymentPath('customer'));
  assert.equal(after.metadata.generation, before.metadata.generation, 'nothing changed');
});

/** A cluster that has cert-manager keeps it, and its definitions judge. */
async function withCertManagerTypes(action: () => Promise<void>): Promise<void> {
  const folder = ensureCrds(() => {}, process.env, 'cert-manager');
  assert.ok(readdirSync(folder).length >= 4);
  const there = await kubectl(['get', '--ignore-not-found', '--output=name', `--filename=${folder}`]);
  if (there.trim() !== '') return await action();
  try {
    await kubectl(['apply', '--server-side', `--filename=${folder}`]);
    await kubectl(['wait', '--for=condition=Established', '--timeout=30s', `--filename=${folder}`]);
    await kubectl(['create', 'namespace', 'cert-manager']);
    await action();
  } finally {
    await kubectl(['delete', '--ignore-not-found', 'namespace', 'cert-manager']);
    await kubectl(['delete', '--ignore-not-found', `--filename=${folder}`]);
  }
}

test('a root kept by cert-manager: every object is taken, and none with a mistake', async () => {
  await withCertManagerTypes(async () => {
    const objects = renderExample('upstream-authority');
    await assertTaken(objects);
    const root = objects.find(({ kind }) => kind === 'Certificate');
    assert.ok(root);
    const { secretName: _without, ...unnamed } = { secretName: '', ...root.spec };
    const mistakes: ReadonlyArray<readonly [spec: object, says: RegExp]> = [
      [{ ...root.spec, isCA: 'yes' }, /isCA.*boolean/],
      [{ ...root.spec, commonNam: 'Root' }, /unknown field "(spec\.)?commonNam"/],
      [unnamed, /required field "secretName"|secretName: Required value/],
    ];
    for (const [spec, says] of mistakes) {
      const { code, stderr } = await dryRun([{ ...root, spec }]);
      assert.notEqual(code, 0, `${says}`);
      assert.match(stderr, says);
    }
  });
});
