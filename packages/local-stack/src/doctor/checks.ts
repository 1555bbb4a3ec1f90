/** All checks, in the order in which one would look: the machine, the environment, the identity, the policy, the database. */
import { bundles } from './checks/bundles.ts';
import { clock } from './checks/clock.ts';
import { debugOutput } from './checks/debug-output.ts';
import { developmentMode } from './checks/development-mode.ts';
import { endpointForm } from './checks/endpoint-form.ts';
import { entry } from './checks/entry.ts';
import { identityName } from './checks/identity-name.ts';
import { keyLog } from './checks/key-log.ts';
import { nodeVersion } from './checks/node-version.ts';
import { pgIdent } from './checks/pg-ident.ts';
import { policy } from './checks/policy.ts';
import { ports } from './checks/ports.ts';
import { privateFiles } from './checks/private-files.ts';
import { proxies } from './checks/proxies.ts';
import { readiness } from './checks/readiness.ts';
import { selectors } from './checks/selectors.ts';
import { socket } from './checks/socket.ts';
import { svidLife } from './checks/svid-life.ts';
import { tlsSettings } from './checks/tls-settings.ts';
import type { Check, Facts, Finding } from './facts.ts';

/** The table of checks. */
export const CHECKS: readonly Check[] = [
  nodeVersion,
  ports,
  privateFiles,
  keyLog,
  tlsSettings,
  proxies,
  debugOutput,
  developmentMode,
  endpointForm,
  socket,
  entry,
  selectors,
  clock,
  svidLife,
  identityName,
  bundles,
  policy,
  pgIdent,
  readiness,
];

/** What a check came to. */
export interface Result {
  readonly check: string;
  readonly holds: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly findings: readonly Finding[];
}

/** Runs all checks over the facts. */
export function examine(facts: Facts): Result[] {
  return examineWith(CHECKS, facts);
}

/** Runs checks over the facts that they are about. */
export function examineWith<F>(checks: readonly Check<F>[], facts: F): Result[] {
  return checks.map(({ name, holds, run }) => {
    const findings = run(facts);
    const status = findings.length === 0 ? 'ok' : findings.some((found) => found.status === 'fail') ? 'fail' : 'warn';
    return { check: name, holds, status, findings };
  });
}
