/** ConfigMaps with the configuration of SPIRE's server, agent and controller manager, as the chart makes them from its values. */
import type { SpireValues } from './values.ts';

export function renderConfiguration(values: SpireValues): object[] {
  return [
    configMap('spire-server', 'spire-server', { 'server.conf': JSON.stringify(serverConfiguration(values), null, 2) }),
    configMap('spire-server', 'spire-controller-manager', {
      'controller-manager-config.yaml': JSON.stringify(controllerManagerConfiguration(values), null, 2),
    }),
    configMap('spire-system', 'spire-agent', { 'agent.conf': JSON.stringify(agentConfiguration(values), null, 2) }),
  ];
}

function configMap(namespace: string, name: string, data: Record<string, string>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data };
}

function serverConfiguration({ server, ...values }: SpireValues): object {
  const { country, organization, commonName } = values.caSubject;
  const allowed = { service_account_allow_list: ['spire-system:spire-agent'] };
  const database = { database_type: 'sqlite3', connection_string: '/run/spire/data/datastore.sqlite3' };
  return {
    server: {
      bind_address: '0.0.0.0',
      bind_port: '8081',
      trust_domain: values.trustDomain,
      data_dir: '/run/spire/data',
      log_level: server.logLevel,
      jwt_issuer: values.jwtIssuer,
      ca_key_type: server.caKeyType,
      ca_ttl: server.caTTL,
      default_x509_svid_ttl: server.defaultX509SvidTTL,
      default_jwt_svid_ttl: server.defaultJwtSvidTTL,
      ca_subject: [{ country: [country], organization: [organization], common_name: commonName }],
      ...(server.isFederated ? { federation: { bundle_endpoint: bundleEndpoint } } : {}),
    },
    plugins: {
      DataStore: { sql: { plugin_data: database } },
      NodeAttestor: { k8s_psat: { plugin_data: { clusters: [{ [values.clusterName]: allowed }] } } },
      KeyManager: { disk: { plugin_data: { keys_path: '/run/spire/data/keys.json' } } },
      Notifier: { k8sbundle: { plugin_data: { namespace: 'spire-system', config_map: 'spire-bundle' } } },
    },
    health_checks: health('8080'),
  };
}

const bundleEndpoint = { address: '0.0.0.0', port: 8443, refresh_hint: '5m', profile: [{ https_spiffe: {} }] };

function health(port: string): object {
  const paths = { live_path: '/live', ready_path: '/ready' };
  return { listener_enabled: true, bind_address: '0.0.0.0', bind_port: port, ...paths };
}

/** Kubelet and agent are on one node, and the chart does not verify the kubelet's certificate by default either. */
function agentConfiguration(values: SpireValues): object {
  return {
    agent: {
      data_dir: '/run/spire/data',
      log_level: values.agentLogLevel,
      server_address: 'spire-server.spire-server',
      server_port: '443',
      socket_path: '/tmp/spire-agent/public/spire-agent.sock',
      trust_bundle_path: '/run/spire/bundle/bundle.crt',
      trust_domain: values.trustDomain,
    },
    plugins: {
      NodeAttestor: { k8s_psat: { plugin_data: { cluster: values.clusterName } } },
      KeyManager: { memory: { plugin_data: {} } },
      WorkloadAttestor: { k8s: { plugin_data: { skip_kubelet_verification: true } } },
    },
    health_checks: health('9982'),
  };
}

function controllerManagerConfiguration(values: SpireValues): object {
  return {
    apiVersion: 'spire.spiffe.io/v1alpha1',
    kind: 'ControllerManagerConfig',
    metadata: { name: 'spire-controller-manager', namespace: 'spire-server' },
    metrics: { bindAddress: '0.0.0.0:8082' },
    health: { healthProbeBindAddress: '0.0.0.0:8083' },
    validatingWebhookConfigurationName: 'spire-mgmt-spire-controller-manager-webhook',
    entryIDPrefix: values.clusterName,
    clusterName: values.clusterName,
    trustDomain: values.trustDomain,
    ignoreNamespaces: ['kube-system', 'kube-public', 'local-path-storage'],
    spireServerSocketPath: '/tmp/spire-server/private/api.sock',
    className: values.className,
    watchClassless: false,
  };
}
