/**
 * The registry of refusals against the sources, both ways: a code that is raised and not explained fails, and so does an
 * explanation of what nothing raises.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { REFUSALS, type RefusalStage, type RefusalTable } from '@countersign/refusals';
import { isTest, listSources, root } from './source-files.ts';

const sources = listSources().filter(({ path }) => !isTest(path));

/** Codes of `spiffe-tls` that end no connection: they are of the own identity's files and messages, and of tokens. */
const OF_NO_CONNECTION =
  /^(INVALID_(SPIFFE_ID|TRUST_DOMAIN|BUNDLE|ENDPOINT)|PRIVATE_KEY_(INVALID|EXPOSED)|KEY_MISMATCH|SVID_ID_MISMATCH|NO_SVID_FOR_HINT|JWT_\w+|FILE_UNREADABLE|BUNDLE_(MISSING|AMBIGUOUS|ENDPOINT)|WORKLOAD_API)$/;

/** Reasons that answers give and that refuse nothing: an end as planned. */
const NO_REFUSAL = ['STREAM_RENEWAL'];

function codesOf(stage: RefusalStage): string[] {
  return Object.keys(REFUSALS[stage]).sort();
}

/** What a pattern's first group finds in the files below a path, each once, sorted. */
function found(path: RegExp, pattern: RegExp): string[] {
  const texts = sources.filter((file) => path.test(file.path)).map(({ text }) => text);
  return unique(texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')));
}

function unique(codes: readonly string[]): string[] {
  return [...new Set(codes)].sort();
}

function unionOf(path: string, type: string): string[] {
  const text = readFileSync(`${root}${path}`, 'utf8');
  const [, members = ''] = new RegExp(`type ${type} =([\\s\\S]*?);`).exec(text) ?? [];
  return unique([...members.matchAll(/'([A-Z_]+)'/g)].map((match) => match[1] ?? ''));
}

describe('each refusal that is raised is explained, and no other', () => {
  it('handshake', () => {
    const declared = unionOf('packages/spiffe-tls/src/errors.ts', 'SpiffeTlsErrorCode');
    assert.ok(declared.length > 40);
    assert.deepEqual(
      codesOf('handshake'),
      declared.filter((code) => !OF_NO_CONNECTION.test(code)),
    );
    const raised = found(/^packages\/spiffe-tls\/src\/(?!errors\.ts)/, /'([A-Z][A-Z_]{5,})'/g);
    assert.deepEqual(
      codesOf('handshake').filter((code) => !raised.includes(code)),
      [],
      'nothing raises it',
    );
  });

  it("handshake: PostgreSQL's own rules", () => {
    const written = found(
      /local-stack\/src\/postgres\/log-records\.ts$/,
      /rule = '(postgres: [^']+)'|rule: '(postgres: [^']+)'/g,
    );
    const direct = found(/local-stack\/src\/postgres\/log-records\.ts$/, /rule: '(postgres: [^']+)'/g);
    const table: RefusalTable = REFUSALS.handshake;
    const explained = Object.values(table).flatMap(({ reasons = {} }) => Object.keys(reasons));
    assert.deepEqual(unique(explained), unique([...written, ...direct].filter((rule) => rule !== '')));
  });

  it('peer and policy', () => {
    const raised = found(
      /authz\/src\/authorize-call\.ts$/,
      /(?:unauthenticated|malformed|denied|unavailable): '([A-Z_]+)'/g,
    );
    assert.ok(raised.length >= 4);
    assert.deepEqual(unique([...codesOf('peer'), ...codesOf('policy')]), raised);
  });

  it("policy: the rules' own reasons", () => {
    const rules = readFileSync(`${root}policies/rules/authz.rego`, 'utf8');
    const refused = [...rules.matchAll(/refused\("([a-z-]+)", "[a-z-]+"\)/g)].map((match) => match[1] ?? '');
    const fallback = /"allow": false, "reason": "([a-z-]+)"/.exec(rules)?.[1] ?? '';
    assert.ok(refused.length >= 7);
    assert.deepEqual(Object.keys(REFUSALS.policy.POLICY_DENIED.reasons).sort(), unique([...refused, fallback]));
  });

  it('chain', () => {
    assert.deepEqual(codesOf('chain'), unionOf('packages/caller-chain/src/errors.ts', 'CallerChainErrorCode'));
  });

  it('handler and edge', () => {
    const path = /^(services\/[^/]+|packages\/service-kit)\/src\//;
    const raised = unique([
      ...found(path, /reason: '([A-Z_]+)'/g),
      ...found(path, /: '([A-Z_]+)'\),?$/gm),
      ...found(path, /grpcError\(\s*Status\.\w+,\s*'[^']*',\s*'([A-Z_]+)'/g),
      ...found(path, /\[Status\.\w+, '[^']*', '([A-Z_]+)'\]/g),
      // Without a reason of its own the status is the reason.
      ...found(path, /grpcError\(Status\.([A-Z_]+), '[^']*'\)/g),
      ...found(path, /new GrpcError\(Status\.(INVALID_ARGUMENT)\b/g),
    ]).filter((code) => !NO_REFUSAL.includes(code));
    assert.ok(raised.length > 15);
    // INTERNAL is a fault of the service, not a refusal.
    const expected = raised.filter((code) => code !== 'INTERNAL');
    assert.deepEqual(unique([...codesOf('handler'), ...codesOf('edge')]), expected);
  });
});

it('every explanation says what to do and what is seen', () => {
  const tables: readonly RefusalTable[] = Object.values(REFUSALS);
  for (const [code, row] of tables.flatMap((table) => Object.entries(table))) {
    assert.ok(row.remedy.endsWith('.') && row.remedy.length > 9, `${code}: remedy`);
    assert.ok(row.rule.length > 5 && !row.rule.endsWith('.'), `${code}: rule`);
    assert.ok(Object.values(row.sees).length > 0, `${code}: sees`);
  }
});
