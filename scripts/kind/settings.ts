/** What identities.json says to each program, as environment variables. */
import type { Identities, Workload } from '../../packages/identities/src/index.ts';
import { databaseName } from '../../packages/local-stack/src/postgres/roles.ts';

/** The variables of one workload: whom it calls, and its role in the database; none for one that does neither. */
export function settingsOf(identities: Identities, name: string): Readonly<Record<string, string>> {
  const called = identities.calls().filter(({ caller }) => caller.name === name);
  return {
    ...Object.fromEntries(called.map((edge) => [idVariable(edge.called), edge.called.spiffeId])),
    ...databaseSettings(identities, identities.workload(name)),
  };
}

function databaseSettings(identities: Identities, { postgresRole }: Workload): Readonly<Record<string, string>> {
  if (postgresRole === undefined) return {};
  const postgres = identities.workload('postgres');
  return {
    [idVariable(postgres)]: postgres.spiffeId,
    POSTGRES_DATABASE: databaseName,
    POSTGRES_USER: postgresRole,
  };
}

/** `db-client` -> `DB_CLIENT_SPIFFE_ID` */
function idVariable({ name }: Workload): string {
  return `${name.replaceAll('-', '_').toUpperCase()}_SPIFFE_ID`;
}
