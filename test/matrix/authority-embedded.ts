/** The attacked system on the development trust domain. */
import { join } from 'node:path';
import { type LogRecord, recordsFromNow, type System, type SystemOptions, startSystem } from '@countersign/local-stack';
import type { ProviderAuthority } from './authority.ts';
import { readRoot } from './ca-key.ts';
import { textAt } from './outcome.ts';

/** Starts it. */
export async function startEmbedded(options: SystemOptions): Promise<ProviderAuthority> {
  const system = await startSystem(options);
  const pem = join(system.stateDirectory, 'ca', 'ca.pem');
  return {
    system,
    control: system.control,
    trust: { provider: 'embedded', ...system.trust },
    accountOf: () => undefined,
    issuer: () => readRoot({ certificate: pem, key: pem }),
    replaceCa: () => replaceCa(system),
    forgetsWithinMs: 0,
  };
}

async function replaceCa(system: System): Promise<void> {
  const [oldRoot] = await system.control.roots();
  await system.trustDomain.rotateCa({ settleMs: 200, dropAfterMs: 1_000 });
  const since = recordsFromNow();
  await Promise.all(
    judges.map(([program, event]) =>
      system.waitForLog(program, (record) => since(record) && record['event'] === event && isDrop(record)),
    ),
  );
  const roots = await system.control.roots();
  if (oldRoot !== undefined && roots.includes(oldRoot)) throw new Error('matrix: the old CA has not left the bundle');
}

/** Those who judge peers by the bundle, and the event that tells of a new one. */
const judges = [
  ['backend', 'identity'],
  ['db-client', 'identity'],
  ['postgres', 'certificate'],
] as const;

/** The bundle alone has changed, as when a root is dropped. */
function isDrop(record: LogRecord): boolean {
  return textAt(record, 'changed.bundles') === 'true' && textAt(record, 'changed.svid') === 'false';
}
