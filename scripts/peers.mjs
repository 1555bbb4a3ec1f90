/**
 * `npm run peers [-- names]`: installs the real programs that `npm run start:spire` and the tests beside `npm test` need,
 * outside the checkout, by exact versions.
 */
import { ensureTool, toolNames } from './peer-tools.mjs';

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !toolNames.includes(name));
if (unknown.length > 0) {
  console.error(`peers: no such program: ${unknown.join(', ')}; there are ${toolNames.join(', ')}`);
  process.exit(2);
}
let failed = 0;
for (const name of chosen.length > 0 ? chosen : toolNames) {
  try {
    console.log(`${name}: ${ensureTool(name, console.log)}`);
  } catch (error) {
    failed += 1;
    console.error(`peers: ${error.message}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
