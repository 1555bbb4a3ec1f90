import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createTestCa, type IssuedSvid, propertyRuns, type TestCa } from '@countersign/testkit';
import fc from 'fast-check';
import { svidEntry, svidMessage } from '../test/workload-messages.ts';
import { SpiffeTlsError } from './errors.ts';
import { X509SVIDResponse } from './gen/workload.ts';
import { TrustDomain } from './trust-domain.ts';
import {
  changedBetween,
  checkOwnSvids,
  parseX509Response,
  type SvidPicker,
  selectSvid,
  type X509Material,
} from './x509-context.ts';
import type { X509Context } from './x509-source.ts';

let ca: TestCa;
let foreignCa: TestCa;
let web: IssuedSvid;
let job: IssuedSvid;

before(async () => {
  ca = await createTestCa({ trustDomain: 'example.org' });
  foreignCa = await createTestCa({ trustDomain: 'partner.example' });
  web = await ca.issue({ path: '/web' });
  job = await ca.issue({ path: '/job' });
});

function contextOf(material: X509Material, index = 0): X509Context {
  const svid = material.svids[index];
  assert.ok(svid);
  return { svid, svids: material.svids, bundles: material.bundles };
}

function federated(bundles: Record<string, Uint8Array>): X509SVIDResponse {
  return X509SVIDResponse.fromPartial({
    svids: [svidEntry(ca, web)],
    federatedBundles: Object.fromEntries(Object.entries(bundles).map(([key, der]) => [key, Buffer.from(der)])),
  });
}

test('L59 SVIDs keep their order and the first is the default', () => {
  const { svids, bundles } = parseX509Response(svidMessage(svidEntry(ca, job), svidEntry(ca, web)));
  assert.deepEqual(
    svids.map(({ id }) => id.path),
    ['/job', '/web'],
  );
  assert.equal(selectSvid(svids, {}), svids[0]);
  assert.equal(bundles.get(ca.trustDomain)?.authorities.length, 1);
});

test('L56 a federated bundle is there while the message holds it', () => {
  const partner = TrustDomain.parse('partner.example');
  const withPartner = parseX509Response(federated({ 'spiffe://partner.example': foreignCa.der }));
  assert.equal(withPartner.bundles.get(partner)?.authorities.length, 1);
  assert.equal(parseX509Response(federated({})).bundles.get(partner), undefined);
  assert.equal(
    parseX509Response(federated({ 'spiffe://partner.example': Buffer.alloc(0) })).bundles.get(partner),
    undefined,
  );
});

test('a federated entry for the own trust domain does not add to its bundle', () => {
  const { bundles } = parseX509Response(federated({ 'spiffe://example.org': foreignCa.der }));
  const [only, ...others] = bundles.get(ca.trustDomain)?.authorities ?? [];
  assert.deepEqual(Buffer.from(only?.der ?? []), Buffer.from(ca.der));
  assert.equal(others.length, 0);
});

const incomplete: readonly [field: string, make: () => X509SVIDResponse][] = [
  ['svids', () => svidMessage()],
  ['spiffe_id', () => svidMessage(svidEntry(ca, web, { spiffeId: '' }))],
  ['x509_svid', () => svidMessage(svidEntry(ca, web, { x509Svid: Buffer.alloc(0) }))],
  ['x509_svid_key', () => svidMessage(svidEntry(ca, web, { x509SvidKey: Buffer.alloc(0) }))],
  ['bundle', () => svidMessage(svidEntry(ca, web, { bundle: Buffer.alloc(0) }))],
  ['bundle', () => svidMessage(svidEntry(ca, web), svidEntry(ca, job, { bundle: Buffer.alloc(0) }))],
];

for (const [index, [field, make]] of incomplete.entries()) {
  test(`L57 refuses a message without ${field} (${index})`, () => {
    assert.throws(() => parseX509Response(make()), { code: 'WORKLOAD_API', expected: field });
  });
}

const broken: readonly [name: string, code: string, make: () => X509SVIDResponse][] = [
  [
    'an ID that is not the certificate’s',
    'SVID_ID_MISMATCH',
    () => svidMessage(svidEntry(ca, web, { spiffeId: 'spiffe://example.org/job' })),
  ],
  [
    'the key of another',
    'KEY_MISMATCH',
    () => svidMessage(svidEntry(ca, web, { x509SvidKey: Buffer.from(job.keyDer) })),
  ],
  [
    'bytes after the chain',
    'CERTIFICATE_MALFORMED',
    () => svidMessage(svidEntry(ca, web, { x509Svid: Buffer.concat([web.chainDer, Buffer.from([0])]) })),
  ],
  [
    'half a certificate',
    'CERTIFICATE_MALFORMED',
    () => svidMessage(svidEntry(ca, web, { x509Svid: Buffer.from(web.der.subarray(0, 100)) })),
  ],
  ['a bundle of noise', 'INVALID_BUNDLE', () => svidMessage(svidEntry(ca, web, { bundle: Buffer.from('noise') }))],
  [
    'a key of noise',
    'PRIVATE_KEY_INVALID',
    () => svidMessage(svidEntry(ca, web, { x509SvidKey: Buffer.from('noise') })),
  ],
  ['a bundle key that is no SPIFFE ID', 'INVALID_SPIFFE_ID', () => federated({ 'partner.example': foreignCa.der })],
  ['a bundle key with a path', 'INVALID_BUNDLE', () => federated({ 'spiffe://partner.example/x': foreignCa.der })],
];

for (const [name, code, make] of broken) {
  test(`L67 refuses ${name}`, () => {
    assert.throws(() => parseX509Response(make()), { name: 'SpiffeTlsError', code });
  });
}

test('L67 refuses an own SVID that has expired or that its bundle does not vouch for', async () => {
  const nowMs = Date.now();
  const fine = parseX509Response(svidMessage(svidEntry(ca, web)));
  checkOwnSvids(fine, nowMs);
  assert.throws(() => checkOwnSvids(fine, fine.svids[0].leaf.notAfterMs + 1000), { code: 'EXPIRED' });
  const unvouched = parseX509Response(svidMessage(svidEntry(await createTestCa({ trustDomain: 'example.org' }), web)));
  assert.throws(() => checkOwnSvids(unvouched, nowMs), { code: 'UNTRUSTED_CHAIN' });
});

test('L60 T14 of SVIDs with one hint the first is kept; empty hints are never duplicates', () => {
  const entries = [
    svidEntry(ca, web, { hint: 'x' }),
    svidEntry(ca, job, { hint: 'x' }),
    svidEntry(ca, web),
    svidEntry(ca, job),
  ];
  const { svids } = parseX509Response(svidMessage(...entries));
  assert.deepEqual(
    svids.map(({ id, hint }) => `${id.path} ${hint}`),
    ['/web x', '/web ', '/job '],
  );
});

test('L61 T14 a hint selects its SVID in whatever order, and a missing one never falls back', () => {
  const forward = parseX509Response(
    svidMessage(svidEntry(ca, web, { hint: 'w' }), svidEntry(ca, job, { hint: 'j' })),
  ).svids;
  const backward = parseX509Response(
    svidMessage(svidEntry(ca, job, { hint: 'j' }), svidEntry(ca, web, { hint: 'w' })),
  ).svids;
  assert.equal(selectSvid(forward, { hint: 'j' }).id.path, '/job');
  assert.equal(selectSvid(backward, { hint: 'j' }).id.path, '/job');
  assert.throws(() => selectSvid(forward, { hint: 'absent' }), { code: 'NO_SVID_FOR_HINT' });
  assert.throws(() => selectSvid(forward, { picker: () => undefined }), { code: 'NO_SVID_FOR_HINT' });
});

test('L59 T14 a picker by ID keeps its choice when the order changes, while the default follows the order', () => {
  const forward = parseX509Response(svidMessage(svidEntry(ca, web), svidEntry(ca, job))).svids;
  const backward = parseX509Response(svidMessage(svidEntry(ca, job), svidEntry(ca, web))).svids;
  const picker: SvidPicker = (svids) => svids.find(({ id }) => id.path === '/job');
  assert.deepEqual(
    [forward, backward].map((svids) => selectSvid(svids, { picker }).id.path),
    ['/job', '/job'],
  );
  assert.deepEqual(
    [forward, backward].map((svids) => selectSvid(svids, {}).id.path),
    ['/web', '/job'],
  );
  const alone = parseX509Response(svidMessage(svidEntry(ca, web))).svids;
  assert.throws(
    () => selectSvid(alone, { picker }),
    { code: 'NO_SVID_FOR_HINT' },
    'no falling back to another identity',
  );
});

test('a picker can only choose from what it was given', () => {
  const { svids } = parseX509Response(svidMessage(svidEntry(ca, web)));
  const { svids: others } = parseX509Response(svidMessage(svidEntry(ca, web)));
  assert.throws(() => selectSvid(svids, { picker: () => others[0] }), TypeError);
});

test('T11 the same material again is no change, whatever the order of the others', () => {
  const before = parseX509Response(svidMessage(svidEntry(ca, web), svidEntry(ca, job)));
  const again = parseX509Response(svidMessage(svidEntry(ca, web), svidEntry(ca, job)));
  const swapped = parseX509Response(svidMessage(svidEntry(ca, job), svidEntry(ca, web)));
  assert.deepEqual(changedBetween(contextOf(before), contextOf(again)), { svid: false, bundles: false });
  assert.deepEqual(changedBetween(contextOf(before), contextOf(swapped, 1)), { svid: false, bundles: false });
  assert.deepEqual(changedBetween(contextOf(before), contextOf(swapped)), { svid: true, bundles: false });
});

test('T11 another leaf, intermediate, hint, number of SVIDs or bundle is a change', async () => {
  const base = contextOf(parseX509Response(svidMessage(svidEntry(ca, web))));
  const middle = await ca.intermediate();
  const svidChanges = [
    svidMessage(svidEntry(ca, await ca.issue({ path: '/web' }))),
    svidMessage(svidEntry(ca, web, { x509Svid: Buffer.concat([web.der, middle.der]) })),
    svidMessage(svidEntry(ca, web, { hint: 'h' })),
    svidMessage(svidEntry(ca, web), svidEntry(ca, job)),
  ];
  for (const message of svidChanges) {
    assert.deepEqual(changedBetween(base, contextOf(parseX509Response(message))), { svid: true, bundles: false });
  }
  const grown = svidMessage(
    svidEntry(ca, web, { bundle: Buffer.concat([ca.der, (await createTestCa({ trustDomain: 'example.org' })).der]) }),
  );
  const widened = federated({ 'spiffe://partner.example': foreignCa.der });
  for (const message of [grown, widened]) {
    assert.deepEqual(changedBetween(base, contextOf(parseX509Response(message))), { svid: false, bundles: true });
  }
});

test('T15 any bytes in any field are taken or refused with our error, nothing else', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.constantFrom(...(['der', 'keyDer'] as const)).map((field) => web[field]),
  );
  const damaged = fc.tuple(bytes, fc.nat(), fc.nat({ max: 255 })).map(([source, at, value]) => {
    const copy = Buffer.from(source);
    if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  });
  const entry = fc.record({
    spiffeId: fc.oneof(fc.string(), fc.constant('spiffe://example.org/web')),
    x509Svid: damaged,
    x509SvidKey: damaged,
    bundle: damaged,
    hint: fc.string(),
  });
  const message = fc.record({
    svids: fc.array(entry, { maxLength: 2 }),
    crl: fc.array(damaged, { maxLength: 1 }),
    federatedBundles: fc.dictionary(fc.oneof(fc.string(), fc.constant('spiffe://partner.example')), damaged, {
      maxKeys: 2,
    }),
  });
  fc.assert(
    fc.property(message, (value) => {
      try {
        const { svids } = parseX509Response(value);
        assert.ok(svids.length > 0);
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError, String(error));
      }
    }),
    propertyRuns(300),
  );
});

test('T15 a damaged certificate is never taken for the one it was', () => {
  const valid = svidEntry(ca, web);
  fc.assert(
    fc.property(fc.nat({ max: web.der.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const x509Svid = Buffer.from(web.der);
      x509Svid[at] = (x509Svid[at] ?? 0) ^ flip;
      assert.throws(() => {
        const material = parseX509Response(svidMessage({ ...valid, x509Svid }));
        checkOwnSvids(material, Date.now());
      }, SpiffeTlsError);
    }),
    propertyRuns(300),
  );
});
