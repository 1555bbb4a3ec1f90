/** Registration entries as `spire-server entry show` prints them, turned into what `entry update` takes. */
import type { SpireEntry } from '../spire/entries.ts';
import { at, type JsonObject, objectsAt, parseObject, textAt, textsAt } from './json.ts';

/** The entries of these SPIFFE IDs, unchanged. */
export function entriesToUpdate(shown: string, spiffeIds: ReadonlySet<string>): SpireEntry[] {
  return objectsAt(parseObject(shown, 'spire-server entry show'), 'entries')
    .map(entryOf)
    .filter(({ spiffe_id: id }) => spiffeIds.has(id));
}

function entryOf(entry: JsonObject): SpireEntry {
  const hint = textAt(entry, 'hint');
  return {
    entry_id: textAt(entry, 'id'),
    spiffe_id: idAt(entry, 'spiffe_id'),
    parent_id: idAt(entry, 'parent_id'),
    selectors: objectsAt(entry, 'selectors').map((one) => ({ type: textAt(one, 'type'), value: textAt(one, 'value') })),
    x509_svid_ttl: Number(at(entry, 'x509_svid_ttl') ?? 0),
    jwt_svid_ttl: Number(at(entry, 'jwt_svid_ttl') ?? 0),
    dns_names: textsAt(entry, 'dns_names'),
    ...(hint === '' ? {} : { hint }),
    // By name in one form, by ID in the other.
    federates_with: textsAt(entry, 'federates_with').map((name) => `spiffe://${name}`),
  };
}

function idAt(entry: JsonObject, name: string): string {
  return `spiffe://${textAt(entry, name, 'trust_domain')}${textAt(entry, name, 'path')}`;
}
