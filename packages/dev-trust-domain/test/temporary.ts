/**
 * Directories and trust domains that go away with the test that asked for them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createSystemClock } from '@countersign/spiffe-tls';
import {
  type DevTrustDomain,
  type DevTrustDomainOptions,
  type Registration,
  startDevTrustDomain,
} from '../src/index.ts';

/** A short path: sockets go below it. */
export async function temporaryDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'td-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A registration by the naming rule. */
export function registrationOf(name: string, changes: Partial<Registration> = {}): Registration {
  return { name, spiffeId: `spiffe://example.org/${name}`, dnsNames: [`${name}.example.org`], ...changes };
}

/** A trust domain with workloads `web` and `job`, closed with the test. */
export async function startTemporary(
  context: TestContext,
  options: Partial<DevTrustDomainOptions> = {},
): Promise<DevTrustDomain & { runDirectory: string }> {
  const runDirectory = options.runDirectory ?? (await temporaryDirectory(context));
  const trustDomain = await startDevTrustDomain({
    trustDomain: 'example.org',
    registrations: [registrationOf('web'), registrationOf('job')],
    caSettleMs: 0,
    clock: createSystemClock(),
    ...options,
    runDirectory,
  });
  context.after(() => trustDomain.close());
  return Object.assign(trustDomain, { runDirectory });
}
