/**
 * SPIFFE IDs and trust domains, as go-spiffe reads them and as we do.
 */
import { test } from 'node:test';
import { SpiffeId, TrustDomain } from '@countersign/spiffe-tls';
import { nearSpiffeId, nearText, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { idDisagreements, trustDomainDisagreements } from './disagreements.ts';
import { askGoSpiffe, askOurs, Comparison } from './oracle.ts';

/** The same inputs each time; a factor above 1 adds more. */
const SEED = 20_261_125;

const corners = [
  '',
  'spiffe://',
  'spiffe:///',
  'spiffe://example.org',
  'spiffe://example.org/',
  'spiffe://1.2.3.4/_/-/...',
  'spiffe://example.org/a//b',
  `spiffe://${'a'.repeat(255)}/b`,
  `spiffe://${'a'.repeat(256)}/b`,
  `spiffe://a/${'b'.repeat(2037)}`,
  `spiffe://a/${'b'.repeat(2038)}`,
];

test('SPIFFE IDs: go-spiffe and we read the same, but for what is documented', (t) => {
  const inputs = [...corners, ...fc.sample(nearSpiffeId(), { ...propertyRuns(5000), seed: SEED })];
  const answers = askGoSpiffe(inputs.map((text) => ({ kind: 'spiffe-id', text })));
  const comparison = new Comparison(idDisagreements);
  for (const [index, text] of inputs.entries()) {
    const ours = askOurs(() => SpiffeId.parse(text).toString());
    comparison.add(text, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});

test('trust domains: go-spiffe and we read the same, but for what is documented', (t) => {
  const names = nearText(
    'aZ0._-/:@ é\0',
    'example.org',
    '1.2.3.4',
    '-x',
    'a_b',
    'spiffe://example.org/x',
    'a'.repeat(255),
  );
  const inputs = [...corners, 'a'.repeat(256), ...fc.sample(names, { ...propertyRuns(3000), seed: SEED })];
  const answers = askGoSpiffe(inputs.map((text) => ({ kind: 'trust-domain', text })));
  const comparison = new Comparison(trustDomainDisagreements);
  for (const [index, text] of inputs.entries()) {
    const ours = askOurs(() => TrustDomain.parse(text).name);
    comparison.add(text, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});
