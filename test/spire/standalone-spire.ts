/**
 * SPIRE without the system for one test file, with entries for this process, which runs as root: agents of several trust
 * domains give it an identity of each.
 */
import assert from 'node:assert/strict';
import {
  removeStateDirectory,
  type SpireEntry,
  type StandaloneSpire,
  startStandaloneSpire,
} from '@countersign/local-stack';
import type { X509Context, X509Source } from '@countersign/spiffe-tls';
import { temporaryStateDirectory } from './spire-system.ts';

/** A SPIRE whose data goes when it stops. */
export async function startTestSpire(trustDomain: string): Promise<StandaloneSpire> {
  const { COUNTERSIGN_SPIRE_SERVER: server, COUNTERSIGN_SPIRE_AGENT: agent } = process.env;
  assert.ok(server && agent, 'these tests are run by: npm run test:spire');
  const directory = temporaryStateDirectory();
  const spire = await startStandaloneSpire({ trustDomain, directory, server, agent });
  const stop = async () => {
    await spire.stop();
    removeStateDirectory(directory);
  };
  return { ...spire, stop, [Symbol.asyncDispose]: stop };
}

/** An entry whose name is also its ID, its path and its hint; for root unless selectors are given. */
export function entryNamed(spire: StandaloneSpire, name: string, changes: Partial<SpireEntry> = {}): SpireEntry {
  return {
    entry_id: name,
    spiffe_id: `${spire.trustDomain.id}/${name}`,
    parent_id: spire.agentId,
    selectors: [{ type: 'unix', value: 'uid:0' }],
    x509_svid_ttl: 60,
    jwt_svid_ttl: 60,
    dns_names: [],
    hint: name,
    ...changes,
  };
}

/** Resolves with the first state of a source, present or to come, of which `is` holds. */
export function untilContext(source: X509Source, is: (context: X509Context) => boolean): Promise<X509Context> {
  return new Promise((resolve) => {
    const look = () => {
      try {
        const context = source.current();
        if (!is(context)) return;
        stop();
        resolve(context);
      } catch {
        // No identity at this moment: its next event is waited for.
      }
    };
    const stop = source.subscribe(look);
    look();
  });
}
