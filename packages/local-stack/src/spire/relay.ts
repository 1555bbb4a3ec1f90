/**
 * A program that asks the agent for somebody else of this machine: what connects to its socket speaks to the agent as the
 * user that this program runs as. `relay.ts <own socket> <agent's socket>`.
 */
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream';

const [own = '', agent = ''] = process.argv.slice(2);
const server = createServer({ allowHalfOpen: true }, (asking) => {
  const answering = connect({ path: agent, allowHalfOpen: true });
  const end = () => {
    asking.destroy();
    answering.destroy();
  };
  pipeline(asking, answering, asking, (error) => error && end());
});
server.listen(own, () => process.send?.('listening'));
process.on('disconnect', () => {
  // Whoever would have removed it is gone.
  rmSync(dirname(own), { recursive: true, force: true });
  process.exit();
});
