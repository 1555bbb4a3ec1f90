/**
 * `npm run prove [-- --only G1] [-- --provider spire]`: shows the four properties of product.md by experiments, on a system of its own.
 * On SPIRE it takes root, Linux and SPIRE's programs (`npm run peers`).
 */
import { launch } from './launch.mjs';
import { spireEnvironment } from './spire-environment.mjs';

const args = process.argv.slice(2);
const at = args.findIndex((arg) => arg === '--provider' || arg.startsWith('--provider='));
const [given] = at < 0 ? [] : args.splice(at, args[at].includes('=') ? 1 : 2).slice(-1);
const provider = given?.replace('--provider=', '') ?? process.env.COUNTERSIGN_IDENTITY_PROVIDER ?? 'embedded';
const spire = provider === 'spire' ? spireEnvironment() : {};

launch('prove', args, { ...spire, COUNTERSIGN_IDENTITY_PROVIDER: provider });
