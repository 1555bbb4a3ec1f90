/** The actions that people have by `npm run kind -- <name>` and by Tilt's buttons, run as they run them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../../scripts/kind.mjs', import.meta.url));

/** Runs one. Rejects with what it printed when it fails. */
export async function runAction(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`npm run kind -- ${args.join(' ')}: exit ${code}: ${printed}`);
  return printed;
}
