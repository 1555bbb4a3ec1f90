/**
 * The Helm values of `kind/spire`, read strictly: a key that these manifests do not act on is an error, so that a change of the
 * values can't be without effect here. Keys and defaults are those of the chart `spire` 0.30.0.
 */
import { parse } from 'yaml';
import { type Fields, fields, isFields, only, text } from '../fields.ts';

export interface SpireValues {
  readonly trustDomain: string;
  readonly clusterName: string;
  readonly jwtIssuer: string;
  readonly caSubject: { readonly country: string; readonly organization: string; readonly commonName: string };
  readonly server: {
    readonly logLevel: string;
    readonly caKeyType: string;
    readonly caTTL: string;
    readonly defaultX509SvidTTL: string;
    readonly defaultJwtSvidTTL: string;
    readonly isFederated: boolean;
  };
  readonly agentLogLevel: string;
  readonly className: string;
  /** By the chart's name for them, those that are switched off left out. */
  readonly clusterSpiffeIds: ReadonlyMap<string, Fields>;
  readonly clusterFederatedTrustDomains: ReadonlyMap<string, Fields>;
}

/** @param documents YAML of several values files; a later one wins, as with `helm -f A -f B` */
export function readValues(...documents: readonly string[]): SpireValues {
  const merged = documents.map((it) => fields(parse(it), 'values')).reduce(merge, {});
  const values = only(
    merged,
    ['global', 'spire-server', 'spire-agent', 'spiffe-csi-driver', 'spiffe-oidc-discovery-provider'],
    'values',
  );
  const spire = readGlobal(values['global']);
  const server = only(
    values['spire-server'] ?? {},
    ['logLevel', 'caKeyType', 'caTTL', 'defaultX509SvidTTL', 'defaultJwtSvidTTL', 'federation', 'controllerManager'],
    'spire-server',
  );
  demand(values, 'spiffe-oidc-discovery-provider', { enabled: false });
  return {
    ...spire,
    server: {
      logLevel: text(server['logLevel'] ?? 'info', 'logLevel'),
      caKeyType: text(server['caKeyType'] ?? 'rsa-2048', 'caKeyType'),
      caTTL: text(server['caTTL'] ?? '24h', 'caTTL'),
      defaultX509SvidTTL: text(server['defaultX509SvidTTL'] ?? '4h', 'defaultX509SvidTTL'),
      defaultJwtSvidTTL: text(server['defaultJwtSvidTTL'] ?? '1h', 'defaultJwtSvidTTL'),
      isFederated: only(server['federation'] ?? {}, ['enabled'], 'federation')['enabled'] === true,
    },
    agentLogLevel: readAgent(values['spire-agent']),
    ...readControllerManager(server['controllerManager']),
  };
}

function readGlobal(value: unknown): Pick<SpireValues, 'trustDomain' | 'clusterName' | 'jwtIssuer' | 'caSubject'> {
  const { spire } = only(value, ['spire'], 'global');
  const keys = ['trustDomain', 'clusterName', 'jwtIssuer', 'caSubject', 'recommendations', 'namespaces'];
  const settings = only(spire, keys, 'global.spire');
  const subject = only(settings['caSubject'], ['country', 'organization', 'commonName'], 'caSubject');
  // These manifests are written for both.
  demand(settings, 'recommendations', { enabled: true });
  demand(settings, 'namespaces', { create: true });
  const trustDomain = text(settings['trustDomain'], 'trustDomain');
  return {
    trustDomain,
    clusterName: text(settings['clusterName'], 'clusterName'),
    jwtIssuer: text(settings['jwtIssuer'] ?? `https://oidc-discovery.${trustDomain}`, 'jwtIssuer'),
    caSubject: {
      // Strict validation, a part of the recommendations, refuses the chart's own defaults.
      country: text(subject['country'], 'caSubject.country'),
      organization: text(subject['organization'], 'caSubject.organization'),
      commonName: text(subject['commonName'], 'caSubject.commonName'),
    },
  };
}

/** @returns the log level; the image that fits the socket's folder is the chart's alone */
function readAgent(value: unknown): string {
  const agent = only(value ?? {}, ['logLevel', 'socketAlternate', 'fsGroupFix'], 'spire-agent');
  demand(agent, 'socketAlternate', { names: [] });
  return text(agent['logLevel'] ?? 'info', 'spire-agent.logLevel');
}

type ControllerManager = Pick<SpireValues, 'className' | 'clusterSpiffeIds' | 'clusterFederatedTrustDomains'>;

function readControllerManager(value: unknown): ControllerManager {
  const { className, identities } = only(value, ['className', 'identities'], 'controllerManager');
  const kinds = only(identities, ['clusterSPIFFEIDs', 'clusterFederatedTrustDomains'], 'identities');
  const ids = enabled(kinds['clusterSPIFFEIDs']);
  // The chart has them unless they are switched off, and gives every pod an identity.
  for (const name of ['default', 'test-keys', 'oidc-discovery-provider'])
    if (!isSwitchedOff(fields(kinds['clusterSPIFFEIDs'], 'clusterSPIFFEIDs')[name]))
      throw new Error(`clusterSPIFFEIDs.${name}: must be switched off by "enabled: false"`);
  return {
    className: text(className, 'controllerManager.className'),
    clusterSpiffeIds: ids,
    clusterFederatedTrustDomains: enabled(kinds['clusterFederatedTrustDomains']),
  };
}

function enabled(value: unknown): Map<string, Fields> {
  const entries = Object.entries(fields(value ?? {}, 'identities')).filter(([, it]) => !isSwitchedOff(it));
  return new Map(entries.map(([name, it]) => [name, fields(it, name)]));
}

function isSwitchedOff(value: unknown): boolean {
  return isFields(value) && value['enabled'] === false;
}

/** What the manifests can't do otherwise has to be said in the values, too. */
function demand(values: Fields, name: string, wanted: Fields): void {
  if (JSON.stringify(values[name]) !== JSON.stringify(wanted))
    throw new Error(`${name}: must be ${JSON.stringify(wanted)}, got ${JSON.stringify(values[name])}`);
}

function merge(first: Fields, second: Fields): Fields {
  const merged: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(second)) {
    const before = merged[key];
    merged[key] = isFields(before) && isFields(value) ? merge(before, value) : value;
  }
  return merged;
}
