/**
 * Certification paths, as `openssl verify` finds them and as we do. OpenSSL knows RFC 5280 and not SPIFFE: what only SPIFFE
 * asks for is a documented difference.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCertificate, SpiffeId, toPem, verifyX509Svid } from '@countersign/spiffe-tls';
import { opensslDisagreements } from './disagreements.ts';
import { askOurs, Comparison, type Outcome } from './oracle.ts';
import { type ChainCase, chainCases, isLeafAnchor, parseBundles } from './oracle-cases.ts';

const nowMs = Date.now();
/** Strength 2 asks for RSA of 2048 bits and SHA-2, as we do. */
const FLAGS = ['-partial_chain', '-purpose', 'sslclient', '-auth_level', '2', '-no-CApath', '-no-CAstore'];

/** How many programs run at a time. */
const AT_ONCE = 4;

test('certification paths: openssl verify and we find the same, but for what is documented', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'paths-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const cases = await chainCases(250);
  const answers: Outcome[] = [];
  for (let from = 0; from < cases.length; from += AT_ONCE) {
    const some = cases.slice(from, from + AT_ONCE);
    answers.push(...(await Promise.all(some.map((one, index) => askOpenssl(join(folder, `${index}`), one)))));
  }
  const comparison = new Comparison(opensslDisagreements);
  for (const [index, one] of cases.entries()) {
    const { what, chain, anchors } = one;
    const ours = askOurs(() => {
      verifyX509Svid({ chain, bundles: parseBundles(anchors), nowMs, role: 'client' });
      return 'valid';
    });
    comparison.add({ what, leafIsAnchor: isLeafAnchor(one) }, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});

async function askOpenssl(place: string, { chain: [leaf, ...rest], anchors }: ChainCase): Promise<Outcome> {
  const parts = { anchors: anchorsFor(leaf, anchors), untrusted: rest, leaf: leaf === undefined ? [] : [leaf] };
  for (const [name, ders] of Object.entries(parts)) {
    await writeFile(`${place}-${name}`, ders.map((der) => toPem('CERTIFICATE', der)).join(''));
  }
  const untrusted = rest.length > 0 ? ['-untrusted', `${place}-untrusted`] : [];
  const files = ['-CAfile', `${place}-anchors`, ...untrusted, `${place}-leaf`];
  const args = ['verify', ...FLAGS, '-attime', `${Math.floor(nowMs / 1000)}`, ...files];
  const program = spawn('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  program.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const status = await new Promise((resolve) => program.once('close', resolve));
  return status === 0 ? { value: '"valid"' } : { refused: said.replaceAll('\n', ' ') };
}

/** Those of the trust domain that the leaf names; for a leaf that names none, all. */
function anchorsFor(leaf: Uint8Array | undefined, anchors: ChainCase['anchors']): readonly Uint8Array[] {
  try {
    const [uri = ''] = leaf === undefined ? [] : parseCertificate(leaf).uriSans;
    return anchors[SpiffeId.parse(uri).trustDomain.name] ?? [];
  } catch {
    return Object.values(anchors).flat();
  }
}
