/**
 * Writes docs/reference/deny-matrix.md: how to read the matrix, and its callers, ways, attacks and mutations from the tables
 * that it runs by. `--check` writes nothing and fails when the page is not current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ATTACKS } from '../test/matrix/attacks.ts';
import { listCells } from '../test/matrix/cells.ts';
import { MUTATIONS } from '../test/matrix/mutations.ts';
import { CALLERS, WAYS } from '../test/matrix/table.ts';

const page = new URL('../docs/reference/deny-matrix.md', import.meta.url);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const text = `# The deny matrix

\`npm run matrix\` starts the real system and tries ${listCells().length} cells over real TLS: every caller by every way in, and every attack
by the ways and callers that it is for. It prints a grid and writes \`.countersign/matrix/matrix.html\` and \`matrix.xml\` (JUnit).
It ends with 0 when each cell passed. \`-- --only TEXT\`, as often as you like, keeps the cells with that text in their caller,
way or attack. The same cells are tests in \`npm test\`.

\`-- --provider spire\` tries the same cells, none left out, on real SPIRE (root on Linux, after \`npm run peers\`); they are tests in
\`npm run test:spire\` too. There each caller's SVID is asked of SPIRE's agent as the user that the caller runs as, the other domain is
federated by \`spire-server bundle set\` and by entries, the CA is replaced step by step (\`localauthority\` prepare and activate,
\`upstreamauthority\` taint and revoke), and an identity is withdrawn by deleting its entry. What no CA ever issues is made on both with
the key of the trust domain's own root: on SPIRE by a CA below it, so that it comes with an intermediate as SPIRE's SVIDs do.
Terminal, page and JUnit say whose identities were attacked.

A cell passes on its proper reason alone: the answer on the wire is exactly the expected one, and the server's own record of this
very connection (found by our port) or request (found by our trace) names the expected code, rule and peer. Where the protocol's
own parser answers, nothing of ours runs and the answer is all there is. Made by \`npm run generate\` from the tables in
\`test/matrix\`; \`npm run check\` proves that it is current.

| mark | meaning |
| --- | --- |
| \`in\` | served, to whom a grant names |
| \`no\` | refused for the proper reason, or what is attacked is not there |
| \`::\` | some callers are served and some refused, each as it must be |
| \`li\` | served, though one would rather not: a known limit. A copied key works until its \`notAfter\` or its CA's end; PostgreSQL reads the CN and no URI |
| \`XX\` | wrong |

## Callers

An impostor claims to be whoever is let in at the server it tries, so what is refused is the certificate and not the name.

${table(
  ['caller', 'presents', 'let in by the handshake of', 'else refused with'],
  CALLERS.map(({ name, presents, accepted = [], refusal }) => [
    name,
    presents,
    accepted.join(', ') || 'nobody',
    `\`${refusal}\``,
  ]),
)}

## Ways

\`echo\` is a test service with a method of each gRPC kind, in the frame and behind the guard of the real ones.

${table(
  ['way', 'operation', 'granted to'],
  WAYS.map(({ name, operation, granted, transport }) => [
    name,
    `\`${operation}\``,
    transport === 'postgres' ? 'by role' : granted.join(', '),
  ]),
)}

## Attacks

${table(['attack', 'what'], ATTACKS)}

## Mutations

\`npm run matrix -- --mutate\` breaks each check in turn, in a server's memory, and shows that a cell turns red; a check that nobody
sees, or an edit whose text is no longer in the source, fails the run. \`--part 2/7\` makes the second of seven parts, \`--provider spire\` runs it
on SPIRE.

${table(
  ['check that is broken', 'file', 'seen by'],
  MUTATIONS.map(({ name, edits, seenBy }) => [
    name,
    edits.map(({ file }) => `\`${file}\``).join(', '),
    seenBy.join(', '),
  ]),
)}
`;

if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/reference/deny-matrix.md is not current: npm run generate');
  process.exitCode = 1;
}
