/** Runs under a Node that the services can run under. */
import type { Check } from '../facts.ts';

const LEAST = 24;

/** `process.version` must be of this major version or later. */
export const nodeVersion: Check = {
  name: 'node-version',
  holds: `Node is ${LEAST} or later`,
  run: ({ nodeVersion: version }) => {
    const major = Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);
    if (major >= LEAST) return [];
    const fix = 'npm ci --include=optional brings it; start programs through npm run.';
    return [{ status: 'fail', subject: 'Node', evidence: `this is ${version}`, fix }];
  },
};
