/** kind's own configuration: its shape, ports that don't meet, and the Kubernetes that everything else here is checked for. */
import { type Finding, quoted } from './findings.ts';
import { at, type Json, listAt, textAt } from './json.ts';
import { documentFaults } from './schemas/schema-check.ts';

/** The version that Pod Security is pinned to and that the schemas are of. */
export const KUBERNETES = '1.36';

export function kindClusterFaults(cluster: Json, file: string): readonly Finding[] {
  const nodes = listAt(cluster, 'nodes');
  const ports = nodes.flatMap((node) => listAt(node, 'extraPortMappings'));
  return [
    ...documentFaults(textAt(cluster, 'apiVersion') ?? '', textAt(cluster, 'kind') ?? '', cluster, file),
    ...portFaults(ports, file),
    ...nodes
      .map((node) => textAt(node, 'image') ?? '')
      .filter((image) => !image.includes(`:v${KUBERNETES}.`))
      .map((image) => ({
        rule: 'kubernetes-version',
        object: file,
        says: `nodes must have Kubernetes ${KUBERNETES}, as the schemas and Pod Security labels have, got ${quoted(image)}`,
      })),
  ];
}

/** Two mappings of one port of the host fail when the cluster is made; one on all addresses opens it to the network. */
function portFaults(ports: readonly Json[], file: string): readonly Finding[] {
  const taken = ports.map((port) => `${String(at(port, 'hostPort'))}/${textAt(port, 'protocol') ?? 'TCP'}`);
  return [
    ...taken
      .filter((port, index) => taken.indexOf(port) !== index)
      .map((port) => ({ rule: 'host-port-once', object: file, says: `hostPort ${port} is mapped twice` })),
    ...ports
      .filter((port) => !/^(127\.|::1)/.test(textAt(port, 'listenAddress') ?? ''))
      .map((port) => ({
        rule: 'host-port-loopback',
        object: file,
        says: `listenAddress of hostPort ${quoted(at(port, 'hostPort'))} must be a loopback address, got ${quoted(at(port, 'listenAddress'))}`,
      })),
  ];
}
