import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { IdentitiesError, type IdentitiesErrorCode, loadIdentities } from './index.ts';

const good = {
  trustDomain: 'example.org',
  namespace: 'apps',
  workloads: {
    web: { calls: { api: { 'GET /things/{id}': { mask: ['owner'] }, '/things.v1.Things/Get': {} } } },
    api: { postgresRole: 'things_rw' },
    stranger: {},
  },
};

let directory = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'identities-'));
});
after(() => rmSync(directory, { recursive: true }));

function write(content: string): string {
  const file = join(directory, 'identities.json');
  writeFileSync(file, content);
  return file;
}

describe('derived values', () => {
  it('names, IDs and roles', () => {
    const identities = loadIdentities(write(JSON.stringify(good)));
    assert.deepEqual(identities.names(), ['web', 'api', 'stranger']);
    assert.deepEqual(identities.workload('web'), {
      name: 'web',
      spiffeId: 'spiffe://example.org/ns/apps/sa/web',
      dnsName: 'web.apps.example.org',
    });
    assert.equal(identities.workload('api').postgresRole, 'things_rw');
    assert.deepEqual(identities.registrations()[2], {
      name: 'stranger',
      spiffeId: 'spiffe://example.org/ns/apps/sa/stranger',
      dnsNames: ['stranger.apps.example.org'],
    });
  });

  it('grants: called, then caller, then operation; a workload that nobody may call has no entry', () => {
    assert.deepEqual(loadIdentities(write(JSON.stringify(good))).grants(), {
      'spiffe://example.org/ns/apps/sa/api': {
        'spiffe://example.org/ns/apps/sa/web': { 'GET /things/{id}': { mask: ['owner'] }, '/things.v1.Things/Get': {} },
      },
    });
  });

  it("grants' origins: names become IDs, IDs of other trust domains stay, masks are kept", () => {
    const origins = { web: {}, api: { mask: ['owner'] }, 'spiffe://example.com/partner/web': { mask: ['price'] } };
    const calls = { api: { 'GET /': { mask: ['note'], origins }, 'GET /b': { origins: { stranger: {} } } } };
    const document = { ...good, workloads: { ...good.workloads, web: { calls } } };
    assert.deepEqual(loadIdentities(write(JSON.stringify(document))).grants(), {
      'spiffe://example.org/ns/apps/sa/api': {
        'spiffe://example.org/ns/apps/sa/web': {
          'GET /': {
            mask: ['note'],
            origins: {
              'spiffe://example.org/ns/apps/sa/web': {},
              'spiffe://example.org/ns/apps/sa/api': { mask: ['owner'] },
              'spiffe://example.com/partner/web': { mask: ['price'] },
            },
          },
          'GET /b': { origins: { 'spiffe://example.org/ns/apps/sa/stranger': {} } },
        },
      },
    });
  });

  it('calls: each pair of caller and called once, with its operations', () => {
    const edges = loadIdentities(write(JSON.stringify(good))).calls();
    assert.deepEqual(
      edges.map(({ caller, called, operations }) => [caller.name, called.name, operations]),
      [['web', 'api', ['GET /things/{id}', '/things.v1.Things/Get']]],
    );
  });

  it('pg_ident lines: only workloads with a role, names quoted', () => {
    const identities = loadIdentities(write(JSON.stringify(good)));
    assert.equal(identities.pgIdentLines('spiffe'), 'spiffe "api.apps.example.org" "things_rw"\n');
    assert.throws(() => identities.pgIdentLines('x\nspiffe "evil" "things_rw"'), TypeError);
  });

  it('an unknown workload is wrong use', () => {
    const identities = loadIdentities(write(JSON.stringify(good)));
    for (const name of ['nobody', 'toString', '__proto__']) assert.throws(() => identities.workload(name), TypeError);
  });

  it("the repository's own file loads", () => {
    const identities = loadIdentities();
    assert.equal(identities.workload('db-client').postgresRole, 'orders_rw');
    const callersOfBackend = Object.keys(identities.grants()[identities.workload('backend').spiffeId] ?? {});
    assert.deepEqual(callersOfBackend, [
      identities.workload('customer').spiffeId,
      identities.workload('auditor').spiffeId,
    ]);
  });
});

const refusedOrigins: [name: string, origin: string][] = [
  ['origin that nobody is', 'nobody'],
  ['origin of an inherited name', 'constructor'],
  ['origin with a wildcard', '*'],
  ['origin of this trust domain by its ID', 'spiffe://example.org/ns/apps/sa/web'],
  ['origin in upper case', 'spiffe://Example.com/partner/web'],
  ['origin that is a trust domain', 'spiffe://example.com'],
  ['origin that ends in a slash', 'spiffe://example.com/partner/'],
  ['origin with a dot segment', 'spiffe://example.com/partner/../web'],
  ['origin with another scheme', 'https://example.com/partner'],
  ['origin with a port', 'spiffe://example.com:443/partner'],
];

describe('refused files', () => {
  const api = { api: {} };
  const calls = (operations: unknown) => ({ ...good, workloads: { web: { calls: { api: operations } }, ...api } });
  const role = (postgresRole: unknown) => ({ ...good, workloads: { web: { postgresRole } } });
  const cases: [name: string, document: unknown, field: string][] = [
    ['not an object', [], ''],
    ['no trust domain', { namespace: 'a', workloads: api }, 'trustDomain'],
    ['upper-case trust domain', { ...good, trustDomain: 'Example.org' }, 'trustDomain'],
    ['trust domain with a scheme', { ...good, trustDomain: 'spiffe://example.org' }, 'trustDomain'],
    ['trust domain that ends in a dot', { ...good, trustDomain: 'example.org.' }, 'trustDomain'],
    ['trust domain with a newline', { ...good, trustDomain: 'example.org\n' }, 'trustDomain'],
    ['namespace with a slash', { ...good, namespace: 'a/b' }, 'namespace'],
    ['namespace that is a number', { ...good, namespace: 7 }, 'namespace'],
    ['no workloads', { ...good, workloads: {} }, 'workloads'],
    ['workload name with a dot', { ...good, workloads: { 'a.b': {} } }, 'workloads.a.b'],
    ['workload name with an underscore', { ...good, workloads: { a_b: {} } }, 'workloads.a_b'],
    ['workload name that ends in a hyphen', { ...good, workloads: { 'a-': {} } }, 'workloads.a-'],
    ['workload that is a string', { ...good, workloads: { web: 'yes' } }, 'workloads.web'],
    ['unknown field of the file', { ...good, extra: 1 }, 'extra'],
    ['unknown field of a workload', { ...good, workloads: { web: { role: 'x' } } }, 'workloads.web.role'],
    ['superuser as role', role('postgres'), 'workloads.web.postgresRole'],
    ['role of PostgreSQL', role('pg_read_all_data'), 'workloads.web.postgresRole'],
    ['role that breaks out of its quotes', role('a" "postgres'), 'workloads.web.postgresRole'],
    ['role "all"-like with upper case', role('Orders'), 'workloads.web.postgresRole'],
    [
      'call to nobody',
      { ...good, workloads: { web: { calls: { nobody: { 'GET /': {} } } } } },
      'workloads.web.calls.nobody',
    ],
    [
      'call to an inherited name',
      { ...good, workloads: { web: { calls: { constructor: { 'GET /': {} } } } } },
      'workloads.web.calls.constructor',
    ],
    ['call to itself', { ...good, workloads: { web: { calls: { web: { 'GET /': {} } } } } }, 'workloads.web.calls.web'],
    ['call without operations', calls({}), 'workloads.web.calls.api'],
    ['operation without method', calls({ '/orders': {} }), 'workloads.web.calls.api./orders'],
    ['operation with a wildcard', calls({ 'GET /*': {} }), 'workloads.web.calls.api.GET /*'],
    ['operation in lower case', calls({ 'get /orders': {} }), 'workloads.web.calls.api.get /orders'],
    ['grant with an unknown field', calls({ 'GET /': { allow: true } }), 'workloads.web.calls.api.GET /.allow'],
    ['empty mask', calls({ 'GET /': { mask: [] } }), 'workloads.web.calls.api.GET /.mask'],
    ...refusedOrigins.map(([name, origin]): [string, unknown, string] => [
      name,
      calls({ 'GET /': { origins: { [origin]: {} } } }),
      `workloads.web.calls.api.GET /.origins.${origin}`,
    ]),
    ['no origins', calls({ 'GET /': { origins: {} } }), 'workloads.web.calls.api.GET /.origins'],
    ['origins as a list', calls({ 'GET /': { origins: ['web'] } }), 'workloads.web.calls.api.GET /.origins'],
    [
      'origin with an unknown field',
      calls({ 'GET /': { origins: { web: { origins: {} } } } }),
      'workloads.web.calls.api.GET /.origins.web.origins',
    ],
    [
      'origin with an empty mask',
      calls({ 'GET /': { origins: { web: { mask: [] } } } }),
      'workloads.web.calls.api.GET /.origins.web.mask',
    ],
    [
      'DNS name over 64 characters',
      { ...good, workloads: { [`w${'x'.repeat(48)}`]: {} } },
      `workloads.w${'x'.repeat(48)}`,
    ],
  ];
  for (const [name, document, field] of cases) {
    it(name, () => refuses(write(JSON.stringify(document)), 'INVALID', field));
  }

  it('a DNS name of exactly 64 characters passes', () => {
    const name = 'w'.repeat(64 - '.apps.example.org'.length);
    assert.equal(
      loadIdentities(write(JSON.stringify({ ...good, workloads: { [name]: {} } }))).workload(name).dnsName.length,
      64,
    );
  });

  it('not JSON', () => refuses(write('{'), 'NOT_JSON', ''));
  it('no file', () => refuses(join(directory, 'absent.json'), 'UNREADABLE', ''));
});

function refuses(file: string, code: IdentitiesErrorCode, field: string): void {
  assert.throws(
    () => loadIdentities(file),
    (error: unknown) => {
      assert.ok(error instanceof IdentitiesError, String(error));
      assert.deepEqual({ code: error.code, field: error.field }, { code, field });
      assert.ok(error.message.includes(field), error.message);
      return true;
    },
  );
}
