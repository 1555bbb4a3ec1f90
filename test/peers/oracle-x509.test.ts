/**
 * X.509-SVIDs, as go-spiffe verifies them and as we do.
 */
import { test } from 'node:test';
import { verifyX509Svid } from '@countersign/spiffe-tls';
import { chainDisagreements } from './disagreements.ts';
import { askGoSpiffe, askOurs, base64, Comparison } from './oracle.ts';
import { chainCases, isLeafAnchor, parseBundles } from './oracle-cases.ts';

const nowMs = Date.now();

test('X.509-SVIDs: go-spiffe and we accept the same, but for what is documented', async (t) => {
  const cases = await chainCases(250);
  const answers = askGoSpiffe(
    cases.map(({ chain, anchors }) => ({
      kind: 'x509-svid',
      chain: chain.map(base64),
      bundles: Object.fromEntries(Object.entries(anchors).map(([name, ders]) => [name, base64(Buffer.concat(ders))])),
      nowMs,
    })),
  );
  const comparison = new Comparison(chainDisagreements);
  for (const [index, one] of cases.entries()) {
    const { what, chain, anchors } = one;
    const ours = askOurs(() => verifyX509Svid({ chain, bundles: parseBundles(anchors), nowMs }).id);
    comparison.add({ what, leafIsAnchor: isLeafAnchor(one) }, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});
