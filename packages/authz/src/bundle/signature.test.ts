/** Signatures that OPA made, taken; and each way in which a signature or what it covers can be wrong, refused. */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import opa from '../../test/opa-signed.json' with { type: 'json' };
import { AuthzError } from '../errors.ts';
import { type BundleAlgorithm, type BundleKey, createBundleVerifier, SIGNATURES_FILE } from './signature.ts';
import { canonicalJson, structuredHash } from './structured-hash.ts';

type Files = Map<string, Uint8Array>;

/** The files that OPA signed, with a token, and whatever a test changes. */
function filesWith(token: string | undefined, changes: Readonly<Record<string, string | null>> = {}): Files {
  const signatures = token === undefined ? {} : { [SIGNATURES_FILE]: JSON.stringify({ signatures: [token] }) };
  const texts: [string, string | null][] = Object.entries({ ...opa.files, ...signatures, ...changes });
  return new Map(texts.flatMap(([name, text]) => (text === null ? [] : [[name, Buffer.from(text)]])));
}

const keyOf = (made: { algorithm: string; publicKey: string }, more: Partial<BundleKey> = {}): BundleKey => ({
  id: 'opa',
  algorithm: made.algorithm as BundleAlgorithm,
  publicKey: made.publicKey,
  ...more,
});

for (const made of opa.signed) {
  test(`bundle signature: ${made.algorithm} by opa sign is taken, over odd JSON, too`, () => {
    createBundleVerifier([keyOf(made)])(filesWith(made.token));
  });
}

test('bundle signature: scope and key name that OPA wrote are taken', () => {
  const key = keyOf(opa.scoped, { id: 'release', scope: 'write' });
  const other = keyOf(opa.signed[1] ?? opa.scoped, { id: 'other' });
  createBundleVerifier([other, key])(filesWith(opa.scoped.token));
});

test('bundle signature: JSON in another order and with other white space is the same file', () => {
  const text = '{"a": [1.50, "x"], "b" : {"d":1,"c":2}}';
  assert.equal(canonicalJson(text), '{"a":[1.50,"x"],"b":{"c":2,"d":1}}');
  assert.equal(structuredHash(text, 'sha256'), structuredHash('{"b":{"c":2,"d":1},"a":[1.50,"x"]}', 'sha256'));
  assert.notEqual(structuredHash('[1.50]', 'sha256'), structuredHash('[1.5]', 'sha256'));
});

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const ownPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const own: BundleKey = { id: 'own', algorithm: 'ES256', publicKey: ownPem };
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const es256 = { alg: 'ES256' };

function tokenOf(payload: unknown, header: unknown = es256, key = privateKey): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

function listOf(files: Readonly<Record<string, string>> = opa.files) {
  return Object.entries(files).map(([name, text]) => {
    const structured = name.endsWith('data.json') || name === '.manifest';
    const hash = structured ? structuredHash(text, 'sha256') : structuredHashOfBytes(text);
    return { name, hash, algorithm: 'SHA-256' };
  });
}
const structuredHashOfBytes = (text: string): string => hashes.get(text) ?? '';
const [es] = opa.signed;
const listed: { files: { name: string; hash: string }[] } = JSON.parse(
  Buffer.from(es?.token.split('.')[1] ?? '', 'base64url').toString(),
);
const hashes = new Map(listed.files.map(({ name, hash }) => [(opa.files as Record<string, string>)[name] ?? '', hash]));
const files = listOf();
const good = tokenOf({ files });

test('bundle signature: the tests own signature is taken, so the refusals below are for their own reason', () => {
  createBundleVerifier([own])(filesWith(good));
});

const [head = '', body = '', tail = ''] = good.split('.');
const unsigned = `${encode({ alg: 'none' })}.${body}.`;
const hmac = `${encode({ alg: 'HS256' })}.${body}`;
const confused = `${hmac}.${createHmac('sha256', ownPem).update(hmac).digest('base64url')}`;
const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const [first, ...rest] = files;

const REFUSED: [name: string, files: Files, message: RegExp, keys?: readonly BundleKey[]][] = [
  ['no signature', filesWith(undefined), /must hold "\.signatures\.json"/],
  ['no JWT', filesWith(good, { [SIGNATURES_FILE]: '{"signatures":[]}' }), /exactly one JWT/],
  ['two JWTs', filesWith(good, { [SIGNATURES_FILE]: JSON.stringify({ signatures: [good, good] }) }), /exactly one JWT/],
  ['a signature that is no JSON', filesWith(good, { [SIGNATURES_FILE]: '{' }), /must be a JSON object/],
  ['a plugin', filesWith(good, { [SIGNATURES_FILE]: `{"signatures":["${good}"],"plugin":"own"}` }), /plugin/],
  ['a tampered rule', filesWith(good, { 'rules.rego': 'package other\n' }), /"rules\.rego" must be what was signed/],
  [
    'a tampered manifest',
    filesWith(good, { '.manifest': '{"revision":"r2"}' }),
    /"\.manifest" must be what was signed/,
  ],
  ['tampered data', filesWith(good, { 'grants/data.json': '{}' }), /"grants\/data\.json" must be what was signed/],
  ['data that is no JSON', filesWith(good, { 'grants/data.json': '{' }), /must be JSON in UTF-8/],
  ['an extra file', filesWith(good, { 'more/data.json': '{}' }), /every file must be covered, "more\/data\.json"/],
  ['a missing file', filesWith(good, { 'rules.rego': null }), /"rules\.rego" is missing/],
  ['a file that is not listed', filesWith(tokenOf({ files: rest })), /every file must be covered/],
  ['a file listed twice', filesWith(tokenOf({ files: [...files, first] })), /a name of its own/],
  ['no list', filesWith(tokenOf({})), /must list the files/],
  [
    'a weak hash',
    filesWith(tokenOf({ files: files.map((file) => ({ ...file, algorithm: 'MD5' })) })),
    /must be SHA-256/,
  ],
  [
    'no hash algorithm',
    filesWith(tokenOf({ files: files.map(({ name, hash }) => ({ name, hash })) })),
    /must be SHA-256/,
  ],
  ['another key', filesWith(tokenOf({ files }, es256, stranger)), /must be signed by key "own"/],
  ['a payload of another signature', filesWith(`${head}.${encode({ files, x: 1 })}.${tail}`), /must be signed by/],
  ['a signature cut short', filesWith(`${head}.${body}.${tail.slice(0, 40)}`), /must be signed by/],
  ['alg none', filesWith(unsigned), /three base64url parts/],
  ['alg none with a signature', filesWith(tokenOf({ files }, { alg: 'none' })), /alg must be ES256, got "none"/],
  ['no alg', filesWith(tokenOf({ files }, {})), /alg must be ES256/],
  ['HMAC with the public key as secret', filesWith(confused), /alg must be ES256, got "HS256"/],
  ["OPA's HMAC", filesWith(opa.hmac.token), /alg must be ES256, got "HS256"/],
  ['critical extensions', filesWith(tokenOf({ files }, { ...es256, crit: ['b64'] })), /critical/],
  ['a scope that is not asked for', filesWith(tokenOf({ files, scope: 'write' })), /scope must be "", got "write"/],
  ['no scope', filesWith(good), /scope must be "write", got ""/, [{ ...own, scope: 'write' }]],
  [
    'another scope',
    filesWith(tokenOf({ files, scope: 'read' })),
    /scope must be "write"/,
    [{ ...own, scope: 'write' }],
  ],
  ['no key name among several', filesWith(good), /name a known key/, [own, { ...own, id: 'second' }]],
  [
    'an unknown key name',
    filesWith(tokenOf({ files, keyid: 'third' })),
    /name a known key, got "third"/,
    [own, { ...own, id: 'second' }],
  ],
  ['four parts', filesWith(`${good}.x`), /three base64url parts/],
];

for (const [name, content, message, keys = [own]] of REFUSED) {
  test(`bundle signature: refused: ${name}`, () => {
    assert.throws(
      () => createBundleVerifier(keys)(content),
      (error: unknown) => {
        assert.ok(error instanceof AuthzError);
        assert.equal(error.code, 'BUNDLE_SIGNATURE');
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' });
const WRONG: [name: string, keys: readonly BundleKey[]][] = [
  ['no key', []],
  ['two keys of one name', [own, own]],
  ['a short RSA key', [{ ...own, algorithm: 'RS256', publicKey: small.toString() }]],
  ['a key of another curve', [{ ...own, algorithm: 'ES384' }]],
  ['a key of another kind', [{ ...own, algorithm: 'RS256' }]],
  ['HMAC', [{ ...own, algorithm: 'HS256' as BundleAlgorithm }]],
];
for (const [name, keys] of WRONG) {
  test(`bundle signature: no verifier of ${name}`, () => {
    assert.throws(() => createBundleVerifier(keys), TypeError);
  });
}
