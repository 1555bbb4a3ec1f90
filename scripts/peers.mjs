/**
 * `npm run peers [-- names]`: installs the real programs that `npm run start:spire` and the tests beside `npm test` need,
 * outside the checkout, by exact versions. `cluster` and `manifests` are groups that can be named.
 */
import { chooseTools, ensureTool } from './peer-tools.mjs';

const chosen = process.argv.slice(2);
let failed = 0;
for (const name of choose(chosen.length > 0 ? chosen : ['peers'])) {
  try {
    console.log(`${name}: ${ensureTool(name, console.log)}`);
  } catch (error) {
    failed += 1;
    console.error(`peers: ${error.message}`);
  }
}
process.exit(failed === 0 ? 0 : 1);

function choose(names) {
  try {
    return chooseTools(names);
  } catch (error) {
    console.error(`peers: ${error.message}`);
    process.exit(2);
  }
}
