/** Every refusal that the attack lab can meet has a place in the sources, and it is the right one of several. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { labCells } from './lab-cells.ts';
import { expectedEvidence } from './lab-evidence.ts';
import { placeOf } from './lab-places.ts';
import { type Place, readSources } from './places.ts';
import { createRecords } from './records.ts';
import type { World } from './world.ts';

const sources = readSources();

function lineAt({ file, line }: Place): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n')[line - 1] ?? '';
}

/** What expectations ask of a world is names; nothing is tried here. */
const world: World = {
  records: createRecords(),
  credentials: { of: untried, member: untried, forged: untried },
  database: 'orders',
  orderId: 'an-order',
  get issuer() {
    return untried();
  },
  idOf: (workload) => `spiffe://example.org/${workload}`,
  dnsNameOf: (workload) => workload,
  serverId: ({ server }) => `spiffe://example.org/${server}`,
  addressOf: untried,
};

function untried(): never {
  throw new Error('nothing is tried here');
}

describe('each refusal that an attack can meet has a place, with its code', () => {
  for (const { description, cell } of labCells()) {
    test(description.id, () => {
      const expected = typeof cell.expected === 'function' ? cell.expected(world) : cell.expected;
      const verdict = { cell, expected, seen: { wire: '' }, found: [], problems: [], durationMs: 0 };
      const evidence = expectedEvidence(verdict);
      const line = lineAt(placeOf(evidence, sources));
      const isRaised = ['TLS handshake', 'caller chain', 'policy'].includes(evidence.layer);
      if (isRaised && evidence.code !== undefined) assert.match(line, new RegExp(`['"]${evidence.code}['"]`));
      else assert.notEqual(line.trim(), '');
    });
  }
});

describe('of several places with one code it is the one whose words the record has', () => {
  const tls = 'packages/spiffe-tls/src';
  const chain = 'packages/caller-chain/src';
  const cases: [name: string, folder: string, code: string, words: string, file: RegExp, line: RegExp][] = [
    ['of a path', tls, 'EXPIRED', 'notAfter at or after 2026-01-01', /certification-path/, /'EXPIRED'/],
    ['of a token', tls, 'EXPIRED', 'exp must be after 2026-01-01', /jwt-svid/, /'EXPIRED'/],
    [
      'of a handshake',
      tls,
      'NOT_VERIFIED',
      'tls: the handshake must complete, got X',
      /tls-listener/,
      /'NOT_VERIFIED'/,
    ],
    [
      'a value by another name',
      chain,
      'CHAIN_MALFORMED',
      'typ must be "caller-link+jws", got "JWT"',
      /link\.ts$/,
      /throw/,
    ],
    ['its rule above it', chain, 'CHAIN_SIGNER_UNTRUSTED', 'the signer must be iss, "a"', /verify-chain/, /UNTRUSTED'/],
    [
      'raised by a helper',
      chain,
      'CHAIN_MALFORMED',
      'alg must be ES256, ES384, RS256 or EdDSA',
      /link\.ts$/,
      /alg must be/,
    ],
  ];
  for (const [name, folder, code, words, file, line] of cases) {
    test(name, () => {
      const place = sources.findCode(folder, code, words);
      assert.ok(place);
      assert.match(place.file, file);
      assert.match(lineAt(place), line);
    });
  }
});

test('what nothing raises has no place', () => {
  assert.equal(sources.findCode('packages/spiffe-tls/src', 'NEVER_HEARD_OF', ''), undefined);
  assert.equal(sources.findText('packages/spiffe-tls/src/errors.ts', 'never heard of'), undefined);
  assert.throws(() => placeOf({ layer: 'policy', code: 'never-heard-of', words: '' }, sources), /nothing has/);
});
