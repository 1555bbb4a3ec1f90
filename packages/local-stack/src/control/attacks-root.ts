/**
 * Where a running system keeps the trust domain's root with its key. Only who runs the system can read it, and only attacks
 * ask: some show certificates that no CA would sign.
 */
import { join } from 'node:path';
import { rootFiles } from '../spire/config-files.ts';
import { layOutSpire } from '../spire/layout.ts';
import type { SystemFile } from '../system-file.ts';

/** PEM files, which may be one. */
export interface TrustRoot {
  readonly certificate: string;
  readonly key: string;
  /** Whether it signs SVIDs itself; on SPIRE a CA below it does. */
  readonly signsSvids: boolean;
}

/** The root of the system that runs in a state directory. */
export function rootOf(stateDirectory: string, { control }: Pick<SystemFile, 'control'>): TrustRoot {
  if (control === undefined) return { ...rootFiles(layOutSpire(stateDirectory)), signsSvids: false };
  const pem = join(stateDirectory, 'ca', 'ca.pem');
  return { certificate: pem, key: pem, signsSvids: true };
}
