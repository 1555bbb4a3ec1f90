/**
 * Where in the checkout stands what decided. A code of ours stands where it is raised; what a library or PostgreSQL refuses, where
 * it is told to.
 */
import type { Evidence, Layer } from './lab-evidence.ts';
import type { Place, Sources } from './places.ts';

/** A line that tells somebody else's code what to refuse. */
type Setting = readonly [file: string, text: string];

const RULES = 'policies/rules';
const HANDSHAKE = 'packages/spiffe-tls/src';
const GUARD = 'packages/authz/src';
const POSTGRES = 'packages/local-stack/src/postgres';

/** By layer, where there is no code. */
const TOLD: Readonly<Partial<Record<Layer, Setting>>> = {
  'TLS handshake': [`${HANDSHAKE}/tls-options.ts`, "minVersion: 'TLSv1.3', secureOptions:"],
  'HTTP parser': ['services/backend/src/backend.ts', 'createSpiffeHttpsServer({'],
  gRPC: ['services/backend/src/backend.ts', 'server.addService('],
  nobody: [`${RULES}/authz.rego`, '"reason": "granted"'],
};

/** What cannot be a path is refused before any route. */
const MALFORMED: Setting = [`${GUARD}/http-guard.ts`, 'parseRequestPath(targetOf(request)) === undefined'];

/** Who may log in as whom. */
const ROLES: Setting = ['packages/identities/src/identities.ts', 'if (postgresRole !== undefined) lines.push('];

/** By what PostgreSQL's record says; last what holds for every certificate that it is shown. */
const TOLD_POSTGRES: readonly (readonly [says: RegExp, setting: Setting])[] = [
  [/postgres: pg_ident/, ROLES],
  [/postgres: (pg_hba|hostssl)/, [`${POSTGRES}/roles.ts`, 'return `hostssl ']],
  [/protocol/, [`${POSTGRES}/server-settings.ts`, 'ssl_min_protocol_version:']],
  [/^/, [`${POSTGRES}/config-files.ts`, 'ssl_ca_file:']],
];

/** Finds it. Throws where nothing is found: the alternative would be to guess. */
export function placeOf(evidence: Evidence, sources: Sources): Place {
  const setting = settingOf(evidence);
  const place = setting === undefined ? codePlace(evidence, sources) : sources.findText(...setting);
  if (place === undefined) throw new Error(`attack lab: nothing has ${JSON.stringify(setting ?? evidence.code)}`);
  return place;
}

function settingOf({ layer, code, words, record }: Evidence): Setting | undefined {
  if (layer === 'PostgreSQL') return TOLD_POSTGRES.find(([says]) => says.test(words))?.[1];
  if (record?.['event'] === 'authenticated') return ROLES;
  if (code === 'PATH_MALFORMED') return MALFORMED;
  return code === undefined || layer === 'nobody' ? TOLD[layer] : undefined;
}

const FOLDERS: Readonly<Partial<Record<Layer, string>>> = {
  'TLS handshake': HANDSHAKE,
  'caller chain': 'packages/caller-chain/src',
  guard: GUARD,
  policy: RULES,
};

function codePlace({ layer, code = '', words }: Evidence, sources: Sources): Place | undefined {
  const folder = FOLDERS[layer];
  return folder === undefined ? undefined : sources.findCode(folder, code, words);
}
