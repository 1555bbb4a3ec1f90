/** SPIRE by our manifests gets what the chart would get from the committed values, and a key that has no effect is refused. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { parse } from 'yaml';
import { fields, list, text } from '../fields.ts';
import { renderConfiguration } from './configuration.ts';
import { renderIdentities } from './identities.ts';
import { readValues } from './values.ts';

const kind = new URL('../../../kind/spire/', import.meta.url);
const files = ['values.yaml', 'identities.yaml'].map((name) => readFileSync(new URL(name, kind), 'utf8'));
const values = readValues(...files);

/** The values with one more document on top. */
function withMore(yaml: string): ReturnType<typeof readValues> {
  return readValues(...files, yaml);
}

function configuration(name: string, file: string): ReturnType<typeof fields> {
  const found = renderConfiguration(values)
    .map((it) => fields(it, 'ConfigMap'))
    .find((it) => fields(it['metadata'], name)['name'] === name);
  return fields(parse(text(fields(found?.['data'], name)[file], file)), file);
}

describe('identities', () => {
  const rendered = renderIdentities(values).map((it) => fields(it, 'identity'));
  const named = (it: (typeof rendered)[number]): string => text(fields(it['metadata'], 'metadata')['name'], 'name');

  it('is one for each workload, and no other', () => {
    const names = loadIdentities().names();
    assert.deepEqual(rendered.map(named).sort(), names.map((it) => `spire-mgmt-spire-${it}`).sort());
  });

  it('is of our class, never a fallback, and never of SPIRE’s own namespaces', () => {
    for (const spec of rendered.map((it) => fields(it['spec'], named(it)))) {
      assert.equal(spec['className'], values.className);
      assert.ok(!('fallback' in spec));
      const selector = fields(spec['namespaceSelector'], 'namespaceSelector');
      assert.ok(JSON.stringify(list(selector['matchExpressions'], 'matchExpressions')).includes('spire-server'));
    }
  });

  it('spells the TTL of JWT-SVIDs as the resource does', () => {
    const more = '{spire-server: {controllerManager: {identities: {clusterSPIFFEIDs: {customer: {jwtTTL: 1m}}}}}}';
    assert.match(JSON.stringify(renderIdentities(withMore(more))), /"jwtTtl":"1m"/);
  });
});

describe('configuration', () => {
  it('of the server: trust domain, lives and subject are those of the values', () => {
    const server = fields(configuration('spire-server', 'server.conf')['server'], 'server');
    assert.equal(server['trust_domain'], loadIdentities().trustDomain);
    assert.equal(server['ca_ttl'], values.server.caTTL);
    assert.equal(server['default_x509_svid_ttl'], values.server.defaultX509SvidTTL);
    assert.equal('federation' in server, values.server.isFederated);
  });

  it('of agent and controller manager: the same trust domain and cluster', () => {
    const agent = fields(configuration('spire-agent', 'agent.conf')['agent'], 'agent');
    assert.equal(agent['trust_domain'], values.trustDomain);
    const manager = configuration('spire-controller-manager', 'controller-manager-config.yaml');
    assert.equal(manager['trustDomain'], values.trustDomain);
    assert.equal(manager['className'], values.className);
  });
});

describe('refused', () => {
  const cases: Array<[string, string, RegExp]> = [
    ['a key of the server', '{spire-server: {replicaCount: 2}}', /unknown field "replicaCount"/],
    ['a key of the agent', '{spire-agent: {sockets: {}}}', /unknown field "sockets"/],
    ['a subchart', '{tornjak-frontend: {}}', /unknown field "tornjak-frontend"/],
    ['no strict validation', '{global: {spire: {recommendations: {enabled: false}}}}', /recommendations: must be/],
    ['more names of the socket', '{spire-agent: {socketAlternate: {names: [a]}}}', /socketAlternate: must be/],
    [
      'an identity for every pod',
      '{spire-server: {controllerManager: {identities: {clusterSPIFFEIDs: {default: {enabled: true}}}}}}',
      /clusterSPIFFEIDs.default: must be switched off/,
    ],
  ];
  for (const [name, yaml, message] of cases) it(name, () => assert.throws(() => withMore(yaml), message));

  it('a key of an identity', () => {
    const more = '{spire-server: {controllerManager: {identities: {clusterSPIFFEIDs: {customer: {ttll: 1m}}}}}}';
    assert.throws(() => renderIdentities(withMore(more)), /customer: unknown field "ttll"/);
  });
});
