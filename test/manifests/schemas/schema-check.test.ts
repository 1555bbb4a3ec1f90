/** Objects against schemas: what the API server would refuse, or silently drop, is found without it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { customResources } from '../cluster-spiffe-ids.ts';
import { definitionFaults } from '../custom-definitions.ts';
import { formatFinding } from '../findings.ts';
import { fixtureWorld } from '../fixture.ts';
import { asJson, type Json, withValue } from '../json.ts';
import { parseObjects, toObject } from '../objects.ts';
import { edit } from '../plant.ts';
import { schemaFaults } from './schema-check.ts';

const world = fixtureWorld();
const CONTAINER = ['spec', 'template', 'spec', 'containers', 0];

const planted: readonly (readonly [string, readonly (string | number)[], Json, RegExp])[] = [
  [
    'a misspelt field of the pod',
    ['spec', 'template', 'spec', 'automountServiceAccountTokn'],
    false,
    /unknown field .*automountServiceAccountTokn/,
  ],
  [
    'a misspelt field of the container',
    [...CONTAINER, 'securityContext', 'readOnlyRootFileSystem'],
    true,
    /unknown field .*readOnlyRootFileSystem/,
  ],
  ['a text for a number', ['spec', 'replicas'], '2', /spec\.replicas must be integer, got "2"/],
  [
    'a field of a later version',
    [...CONTAINER, 'livenessProbe'],
    { grpc: { port: 9443, mode: 'TLS' } },
    /unknown field .*mode/,
  ],
  ['a number in env', [...CONTAINER, 'env'], [{ name: 'RETRIES', value: 3 }], /value must be string, got 3/],
  ['nothing where a list should be', [...CONTAINER, 'env'], null, /env must be array, got null/],
  ['a missing name', [...CONTAINER, 'volumeMounts'], [{ name: 'tmp' }], /must have required property 'mountPath'/],
];

describe('kinds of Kubernetes', () => {
  for (const [title, path, value, says] of planted) {
    it(`refused: ${title}`, () => {
      const found = schemaFaults(edit(world, 'Deployment', 'backend', path, value).objects);
      assert.match(found.map(formatFinding).join('\n'), says);
      assert.ok(found.every(({ rule, object }) => rule === 'schema' && object === 'Deployment apps/backend'));
    });
  }

  it('refused: a kind without a schema', () => {
    const [object] = parseObjects('{apiVersion: example.org/v1, kind: Thing, metadata: {name: a}}', 'a test');
    assert.match(
      schemaFaults(object === undefined ? [] : [object])
        .map(formatFinding)
        .join(),
      /no schema of example\.org\/v1 Thing/,
    );
  });

  it('refused: another version of a kind', () => {
    const [object] = parseObjects('{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: a}}', 'a test');
    assert.match(
      schemaFaults(object === undefined ? [] : [object])
        .map(formatFinding)
        .join(),
      /no schema/,
    );
  });
});

const identity = {
  apiVersion: 'spire.spiffe.io/v1alpha1',
  kind: 'ClusterSPIFFEID',
  metadata: { name: 'a' },
  spec: {
    className: 'ours',
    spiffeIDTemplate: 'spiffe://{{ .TrustDomain }}/a',
    podSelector: { matchLabels: { a: 'b' } },
    jwtTtl: '5m',
  },
};
const federation = {
  apiVersion: 'spire.spiffe.io/v1alpha1',
  kind: 'ClusterFederatedTrustDomain',
  metadata: { name: 'a' },
  spec: {
    className: 'ours',
    trustDomain: 'example.org',
    bundleEndpointURL: 'https://spire.example.org:8443',
    bundleEndpointProfile: { type: 'https_spiffe', endpointSPIFFEID: 'spiffe://example.org/spire/server' },
  },
};

function faultsOf(document: unknown): string {
  return schemaFaults([toObject(asJson(document), 'a test')])
    .map(formatFinding)
    .join('\n');
}

describe('custom resources', () => {
  it('accepted', () => {
    assert.equal(faultsOf(identity), '');
    assert.equal(faultsOf(federation), '');
    assert.equal(
      faultsOf({ ...federation, spec: { ...federation.spec, bundleEndpointProfile: { type: 'https_web' } } }),
      '',
    );
  });

  const refused: readonly (readonly [string, object, RegExp])[] = [
    ['without a class', { ...identity, spec: { ...identity.spec, className: undefined } }, /className/],
    ["the chart's spelling", { ...identity, spec: { ...identity.spec, jwtTTL: '5m' } }, /unknown field spec\.jwtTTL/],
    [
      'an ID that is none',
      { ...identity, spec: { ...identity.spec, spiffeIDTemplate: 'https://a' } },
      /spiffeIDTemplate must match/,
    ],
    ['a life without a unit', { ...identity, spec: { ...identity.spec, ttl: '300' } }, /ttl must match/],
    [
      'a selector without a type',
      { ...identity, spec: { ...identity.spec, workloadSelectorTemplates: ['shop'] } },
      /must match/,
    ],
    [
      'a trust domain as an ID',
      { ...identity, spec: { ...identity.spec, federatesWith: ['spiffe://example.org'] } },
      /must match/,
    ],
    ['in a namespace', { ...identity, metadata: { name: 'a', namespace: 'b' } }, /metadata must NOT be valid/],
    [
      'an endpoint that nobody is',
      { ...federation, spec: { ...federation.spec, bundleEndpointProfile: { type: 'https_spiffe' } } },
      /endpointSPIFFEID/,
    ],
    [
      'an endpoint without TLS',
      { ...federation, spec: { ...federation.spec, bundleEndpointURL: 'http://a' } },
      /bundleEndpointURL must match/,
    ],
  ];
  for (const [title, document, says] of refused) {
    it(`refused: ${title}`, () => assert.match(faultsOf(JSON.parse(JSON.stringify(document))), says));
  }

  it("the chart's values make resources that are accepted, and a wrong one is refused", () => {
    assert.equal(customResources(world).length, 4);
    assert.deepEqual(schemaFaults(customResources(world)), []);
    const path = ['spire-server', 'controllerManager', 'identities', 'clusterSPIFFEIDs', 'backend', 'jwtTTL'];
    const spireValues = withValue(world.spireValues, path, '5 minutes');
    const found = schemaFaults(customResources({ spireValues })).map(formatFinding).join();
    assert.match(found, /^schema: ClusterSPIFFEID backend: spec\.jwtTtl must match/);
  });

  it("SPIRE's own definitions: what is not there can't be compared", () => {
    assert.throws(() => definitionFaults('/nowhere'), /ENOENT/);
  });
});
