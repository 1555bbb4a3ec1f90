/**
 * Registration entries, as `spire-server entry create -data` takes them.
 */
import type { Identities } from '@countersign/identities';
import type { Account } from '../identity-provider.ts';
import { type SpireSelector, selectorsOf } from './accounts.ts';
import { agentIdOf } from './config-files.ts';

/** One entry. */
export interface SpireEntry {
  readonly entry_id: string;
  readonly spiffe_id: string;
  readonly parent_id: string;
  readonly selectors: readonly SpireSelector[];
  readonly x509_svid_ttl: number;
  readonly jwt_svid_ttl: number;
  /** The first becomes the common name, which is all that PostgreSQL sees. */
  readonly dns_names: readonly string[];
  readonly hint?: string;
  /** SPIFFE IDs of trust domains whose bundles the workload gets. */
  readonly federates_with?: readonly string[];
}

/** A JWT-SVID's life, in seconds. */
const jwtTtl = 300;

/** An entry for each workload of `identities.json`; its entry ID is the workload's name. */
export function entriesOf(
  identities: Identities,
  accounts: ReadonlyMap<string, Account>,
  svidTtlSeconds: number,
): SpireEntry[] {
  return identities.registrations().flatMap(({ name, spiffeId, dnsNames }) => {
    const account = accounts.get(name);
    if (account === undefined) return [];
    return [
      {
        entry_id: name,
        spiffe_id: spiffeId,
        parent_id: agentIdOf(identities.trustDomain),
        selectors: selectorsOf(account),
        x509_svid_ttl: svidTtlSeconds,
        jwt_svid_ttl: jwtTtl,
        dns_names: dnsNames,
      },
    ];
  });
}
