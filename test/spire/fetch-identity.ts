/**
 * A program that asks the Workload API who it is, once, and prints the answer: for tests that run it as somebody.
 */
import { fetchX509Context, SpiffeTlsError } from '@countersign/spiffe-tls';

try {
  const { svid } = await fetchX509Context({ endpoint: process.argv[2] ?? '', timeoutMs: 2_500 });
  console.log(svid.id.toString());
} catch (error) {
  const cause = error instanceof SpiffeTlsError ? error.cause : undefined;
  console.error(String(error), cause === undefined ? '' : String(cause));
  process.exitCode = 1;
}
