/**
 * JWKS, bundle documents and X.509 bundles, as go-spiffe reads them and as we do.
 */
import { test } from 'node:test';
import { JwtBundle, parseBundleDocument, TrustDomain, toPem, X509Bundle } from '@countersign/spiffe-tls';
import {
  badChains,
  badLeaves,
  createBadCertificateWorld,
  createTestCa,
  nearBytes,
  nearText,
  propertyRuns,
  type TestCa,
} from '@countersign/testkit';
import fc from 'fast-check';
import { derDisagreements, documentDisagreements, jwksDisagreements, pemDisagreements } from './disagreements.ts';
import { askGoSpiffe, askOurs, base64, Comparison } from './oracle.ts';
import { jwksCorners, jwksTexts, oracleKey } from './oracle-jwks.ts';

const SEED = 20_261_125;
const trustDomain = TrustDomain.parse('example.org');
const jwtKeys = [
  oracleKey('P-256', 'p256').jwk,
  oracleKey('P-384', 'p384').jwk,
  oracleKey('P-521', 'p521').jwk,
  oracleKey('RSA', 'rsa').jwk,
  oracleKey('RSA-1024', 'rsa-1024').jwk,
  oracleKey('Ed25519', 'ed25519').jwk,
];

function sample(texts: fc.Arbitrary<string>, runs: number): Buffer[] {
  const inputs = [...jwksCorners, ...fc.sample(texts, { ...propertyRuns(runs), seed: SEED })];
  const notUtf8 = Buffer.from('{"keys":[],"x":"\xff"}', 'latin1');
  const tooMany = Buffer.from(JSON.stringify({ keys: Array(513).fill(jwtKeys[0]) }));
  return [...inputs.map((text) => Buffer.from(text)), notUtf8, tooMany];
}

test('JWKS: go-spiffe and we read the same, but for what is documented', (t) => {
  const inputs = sample(jwksTexts(jwtKeys), 3000);
  const answers = askGoSpiffe(
    inputs.map((data) => ({ kind: 'jwt-bundle', trustDomain: 'example.org', data: base64(data) })),
  );
  const comparison = new Comparison(jwksDisagreements);
  for (const [index, data] of inputs.entries()) {
    let ignored = 0;
    const ours = askOurs(() => {
      const bundle = JwtBundle.fromJwks(trustDomain, data);
      ignored = bundle.ignored.length;
      return [...new Set(bundle.keys.map(({ keyId }) => keyId))].sort();
    });
    comparison.add({ text: data.toString(), ignored }, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});

/** As an issuer of bundle documents writes it: with the key's numbers beside the certificate. */
function x509Entry(ca: TestCa): Record<string, unknown> {
  return { ...ca.certificate().x509.publicKey.export({ format: 'jwk' }), use: 'x509-svid', x5c: [base64(ca.der)] };
}

test('bundle documents: go-spiffe and we read the same, but for what is documented', async (t) => {
  const cas = await Promise.all([1, 2].map(() => createTestCa({ trustDomain })));
  const entries = cas.map(x509Entry);
  const chain = { ...entries[0], x5c: cas.map(({ der }) => base64(der)) };
  const inputs = sample(jwksTexts([...jwtKeys.slice(0, 4), ...entries, ...entries, chain]), 3000);
  const answers = askGoSpiffe(
    inputs.map((data) => ({ kind: 'bundle-document', trustDomain: 'example.org', data: base64(data) })),
  );
  const comparison = new Comparison(documentDisagreements);
  for (const [index, data] of inputs.entries()) {
    let ignored = 0;
    const ours = askOurs(() => {
      const bundle = parseBundleDocument(trustDomain, data);
      ignored = bundle.ignored.length;
      return {
        x509: bundle.x509.authorities.map(({ der }) => base64(der)),
        jwt: [...new Set(bundle.jwt.keys.map(({ keyId }) => keyId))].sort(),
        ...(bundle.sequence !== undefined && { sequence: `${bundle.sequence}` }),
        ...(bundle.refreshHintMs !== undefined && { refreshHintMs: bundle.refreshHintMs }),
      };
    });
    comparison.add({ text: data.toString(), ignored }, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});

test('X.509 bundles in DER: go-spiffe and we read the same, but for what is documented', async (t) => {
  const world = await createBadCertificateWorld();
  const presented = await Promise.all([...badLeaves, ...badChains].map((row) => row.make(world, 'client')));
  const keyTypes = ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'] as const;
  const cas = await Promise.all(keyTypes.map((keyType) => createTestCa({ trustDomain, keyType })));
  const rest = cas.map(({ der }) => der);
  const first = Buffer.concat(rest);
  const near = fc.sample(nearBytes(first, ...rest), { ...propertyRuns(3000), seed: SEED });
  const inputs = [new Uint8Array(), first, ...rest, ...presented.flatMap(({ chain }) => chain), ...near];
  const answers = askGoSpiffe(
    inputs.map((data) => ({ kind: 'x509-bundle', trustDomain: 'example.org', data: base64(data) })),
  );
  const comparison = new Comparison(derDisagreements);
  for (const [index, data] of inputs.entries()) {
    const ours = askOurs(() => X509Bundle.fromDer(trustDomain, data).authorities.map(({ der }) => base64(der)));
    comparison.add(base64(data), ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});

test('X.509 bundles in PEM: go-spiffe and we read the same, but for what is documented', async (t) => {
  const ca = await createTestCa({ trustDomain });
  const pem = toPem('CERTIFICATE', ca.der);
  const texts = nearText(
    '-A=\n \r*:é\0',
    pem,
    `comment\n${pem}between\n${pem}`,
    toPem('PRIVATE KEY', ca.keys.keyDer) + pem,
  );
  const inputs = ['', 'nothing', ...fc.sample(texts, { ...propertyRuns(3000), seed: SEED })];
  const answers = askGoSpiffe(
    inputs.map((text) => ({ kind: 'x509-bundle-pem', trustDomain: 'example.org', data: base64(Buffer.from(text)) })),
  );
  const comparison = new Comparison(pemDisagreements, derDisagreements);
  for (const [index, text] of inputs.entries()) {
    const ours = askOurs(() => X509Bundle.fromPem(trustDomain, text).authorities.map(({ der }) => base64(der)));
    comparison.add(text, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});
