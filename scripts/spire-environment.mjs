/**
 * Names SPIRE's programs to those that start them, and ends the process with a message when they are not there. It builds
 * nothing: that takes minutes, and `npm run peers` says so.
 */
import { findTool } from './peer-tools.mjs';

/** @returns {Record<string, string>} variables for the programs of local-stack */
export function spireEnvironment() {
  const found = { 'spire-server': findTool('spire-server'), 'spire-agent': findTool('spire-agent') };
  const missing = Object.keys(found).filter((name) => found[name] === undefined);
  if (missing.length > 0) {
    console.error(`spire: ${missing.join(' and ')} must be on PATH in a fitting version, or built by: npm run peers`);
    process.exit(1);
  }
  return { COUNTERSIGN_SPIRE_SERVER: found['spire-server'], COUNTERSIGN_SPIRE_AGENT: found['spire-agent'] };
}
