/**
 * Writes the test vectors in `vectors/`: `node packages/caller-chain/scripts/generate-vectors.ts`. The clock is fixed, the keys
 * are made for the run and thrown away, so each run gives other bytes; run it when the format or the cases change.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ChainVector, type VectorFile, vectorsFolder } from '../test/chain-vectors.ts';
import { acceptedVectors } from '../test/vector-accepted.ts';
import { createCast } from '../test/vector-cast.ts';
import { formVectors } from '../test/vector-form.ts';
import { orderVectors } from '../test/vector-order.ts';
import { replayVectors } from '../test/vector-replay.ts';
import { signerVectors } from '../test/vector-signers.ts';

const DESCRIPTION =
  'Test vectors of docs/reference/caller-chain.md, version 1. Made by packages/caller-chain/scripts/generate-vectors.ts with keys ' +
  'that were thrown away: making them again gives other bytes. All steps of a vector are sent to one verifier, in order.';

const cast = await createCast();
mkdirSync(vectorsFolder, { recursive: true });
write('accepted', await acceptedVectors(cast));
write('form', formVectors(cast));
write('order', orderVectors(cast));
write('signers', await signerVectors(cast));
write('replay', replayVectors(cast));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const { status } = spawnSync(`${root}node_modules/.bin/biome`, ['format', '--write', vectorsFolder], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

function write(name: string, vectors: readonly ChainVector[]): void {
  const file: VectorFile = { description: DESCRIPTION, version: 1, vectors };
  writeFileSync(`${vectorsFolder}${name}.json`, `${JSON.stringify(file, undefined, 2)}\n`);
}
