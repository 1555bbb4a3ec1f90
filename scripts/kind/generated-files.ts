/** All generated files of the cluster, by their paths in the repository. */
import type { Identities } from '../../packages/identities/src/index.ts';
import { envoyClusters } from './envoy-clusters.ts';
import {
  defaultDeny,
  dnsPolicy,
  edgePolicies,
  identityLabel,
  namespaceOf,
  rogueEdgePolicies,
  serviceAccounts,
  telemetryEgress,
  telemetryIngress,
} from './kubernetes-objects.ts';
import { postgresFiles } from './postgres-files.ts';
import { settingsOf } from './settings.ts';
import { spireValues } from './spire-values.ts';
import { toYaml, toYamlDocuments, type Yaml } from './yaml.ts';

/** Folders that hold nothing but generated files: what is found there beside them is left over. */
export const GENERATED_FOLDERS = ['kind/generated'] as const;

const HEADER = '# Written by `npm run generate` from identities.json. Edit that file, not this one.\n';

/** Text by path. The same identities give the same texts. */
export function generatedFiles(identities: Identities): ReadonlyMap<string, string> {
  const base = 'kind/generated';
  const documents: Readonly<Record<string, string>> = {
    [`${base}/identity/kustomization.yaml`]: toYaml(identityComponent(identities)),
    [`${base}/shop/kustomization.yaml`]: toYaml(shopComponent(identities)),
    [`${base}/shop/namespace.yaml`]: toYaml(namespaceOf(identities)),
    [`${base}/shop/service-accounts.yaml`]: toYamlDocuments(serviceAccounts(identities)),
    [`${base}/shop/network-policies.yaml`]: toYamlDocuments([
      defaultDeny(),
      dnsPolicy(identities),
      telemetryEgress(identities),
      ...edgePolicies(identities),
    ]),
    [`${base}/observability/kustomization.yaml`]: toYaml(component({ resources: ['network-policies.yaml'] })),
    [`${base}/observability/network-policies.yaml`]: toYaml(telemetryIngress(identities)),
    [`${base}/envoy/kustomization.yaml`]: toYaml(envoyComponent(identities)),
    [`${base}/envoy/clusters.yaml`]: toYaml(envoyClusters(identities, 'customer')),
    [`${base}/rogue/kustomization.yaml`]: toYaml(rogueComponent(identities)),
    [`${base}/rogue/network-policies.yaml`]: toYamlDocuments(rogueEdgePolicies(identities, ROGUE)),
    'kind/spire/identities.yaml': toYaml(spireValues(identities)),
  };
  const postgres = Object.entries(postgresFiles(identities));
  return new Map([
    ...Object.entries(documents).map(([path, text]): [string, string] => [path, `${HEADER}${text}`]),
    // No comment: PostgreSQL reads these, and not each kind of file knows comments.
    ...postgres.map(([name, text]): [string, string] => [`${base}/shop/postgres/${name}`, text]),
  ]);
}

/** What puts pods into the services' namespace and marks them as workloads that get an identity. */
function identityComponent(identities: Identities): Yaml {
  const label = identityLabel(identities).replaceAll('~', '~0').replaceAll('/', '~1');
  const patch = toYaml([{ op: 'add', path: `/spec/template/metadata/labels/${label}`, value: 'workload' }]);
  return component({
    namespace: identities.namespace,
    patches: [{ target: { kind: 'Deployment|StatefulSet|Job' }, patch }],
  });
}

function shopComponent(identities: Identities): Yaml {
  const settings = identities.names().map((name) => [name, settingsOf(identities, name)] as const);
  return component({
    resources: ['namespace.yaml', 'service-accounts.yaml', 'network-policies.yaml'],
    components: ['../identity'],
    configMapGenerator: [
      ...settings
        .filter(([, variables]) => Object.keys(variables).length > 0)
        .map(([name, variables]) => configMap(`${name}-identity`, variables)),
      { name: 'postgres-access', files: Object.keys(postgresFiles(identities)).map((name) => `postgres/${name}`) },
    ],
  });
}

/** Where the edge's Envoy connects to, for the component that puts it there. */
function envoyComponent({ namespace }: Identities): Yaml {
  return component({ configMapGenerator: [{ name: 'envoy-clusters', namespace, files: ['clusters.yaml'] }] });
}

/** The identity that nobody grants anything, and the programs that it runs. */
const ROGUE = 'rogue';
const ROGUE_PLAYS = ['customer', 'db-client'] as const;

/** The settings of others under the rogue's identity, and a network that lets it try. */
function rogueComponent(identities: Identities): Yaml {
  return component({
    resources: ['network-policies.yaml'],
    components: ['../identity'],
    configMapGenerator: ROGUE_PLAYS.map((name) => configMap(`${ROGUE}-as-${name}`, settingsOf(identities, name))),
  });
}

function configMap(name: string, variables: Readonly<Record<string, string>>): Yaml {
  return { name, literals: Object.entries(variables).map(([variable, value]) => `${variable}=${value}`) };
}

function component(fields: Readonly<Record<string, Yaml>>): Yaml {
  return { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component', ...fields };
}
