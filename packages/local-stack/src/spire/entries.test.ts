import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { agentConf, agentIdOf, serverConf } from './config-files.ts';
import { entriesOf } from './entries.ts';
import { layOutSpire } from './layout.ts';

const identities = loadIdentities();
const accounts = new Map(identities.names().map((name, index) => [name, { uid: 70_000 + index, gid: 80_000 + index }]));

describe('entries', () => {
  const entries = entriesOf(identities, accounts, 60);

  it('one for each workload, by its user, its group and its program, under the agent', () => {
    assert.deepEqual(
      entries.map(({ entry_id }) => entry_id),
      identities.names(),
    );
    for (const [index, entry] of entries.entries()) {
      assert.deepEqual(entry.selectors, [
        { type: 'unix', value: `uid:${70_000 + index}` },
        { type: 'unix', value: `gid:${80_000 + index}` },
        { type: 'unix', value: `path:${process.execPath}` },
      ]);
      assert.equal(entry.parent_id, agentIdOf(identities.trustDomain));
    }
  });

  it('carry SPIFFE ID, DNS name and life of identities.json', () => {
    const { spiffeId, dnsName } = identities.workload('db-client');
    const entry = entries.find(({ entry_id }) => entry_id === 'db-client');
    assert.deepEqual([entry?.spiffe_id, entry?.dns_names, entry?.x509_svid_ttl], [spiffeId, [dnsName], 60]);
  });

  it('no two have the same selectors: nobody is two workloads', () => {
    const selectors = entries.map((entry) => JSON.stringify(entry.selectors));
    assert.equal(new Set(selectors).size, entries.length);
  });
});

describe('configuration', () => {
  const settings = { layout: layOutSpire('/state "quoted"'), trustDomain: 'example.org', port: 8081 } as const;

  it('a root on disk is an upstream authority; without it the server signs itself', () => {
    assert.match(serverConf({ ...settings, root: 'disk' }), /UpstreamAuthority "disk"/);
    assert.doesNotMatch(serverConf({ ...settings, root: 'server' }), /UpstreamAuthority/);
  });

  it('listens on loopback alone, and no path ends its string early', () => {
    const text = serverConf({ ...settings, root: 'disk' });
    assert.match(text, /^ {2}bind_address = "127\.0\.0\.1"$/m);
    assert.ok(text.includes('data_dir = "/state \\"quoted\\"/spire/server"'));
  });

  it('a bundle endpoint is there when it is asked for, on loopback, by https_spiffe', () => {
    assert.doesNotMatch(serverConf({ ...settings, root: 'disk' }), /federation/);
    const text = serverConf({ ...settings, root: 'disk', bundleEndpointPort: 8443 });
    assert.match(
      text,
      /bundle_endpoint \{\n {4}address = "127\.0\.0\.1"\n {4}port = 8443\n {4}profile "https_spiffe" \{\}/,
    );
  });

  it('an agent looks at paths of programs always, and at hashes when it is asked to', () => {
    for (const [hashPrograms, limit] of [
      [false, -1],
      [true, 0],
    ] as const) {
      const text = agentConf({ ...settings, root: 'disk', hashPrograms });
      assert.match(text, new RegExp(`discover_workload_path = true\n    workload_size_limit = ${limit}\n`));
    }
  });

  it('an agent is never told to trust whatever server answers', () => {
    const text = agentConf({ ...settings, root: 'disk' });
    assert.match(text, /^ {2}trust_bundle_path = /m);
    assert.doesNotMatch(text, /insecure_bootstrap/);
  });
});
