/** Reads objects of the API server into what `cluster.ts` describes. Throws on what it does not understand. */
import { type Fields, fields, list, only, text, texts } from '../../fields.ts';
import { type Expression, isOperator, type Labels } from '../../label-selectors.ts';
import type { NamedPort, Peer, Pod, Policy, Port, Protocol, Rule, Selector } from './cluster.ts';

export function readNamespace(object: Fields): { name: string; labels: Labels } {
  const { name, labels } = readMetadata(object);
  return { name, labels };
}

/** @returns undefined for a pod that is not a party: without an address yet, done, or in the node's own network */
export function readPod(object: Fields): Pod | undefined {
  const { namespace, name, labels } = readMetadata(object);
  const spec = fields(object['spec'], 'spec');
  const status = fields(object['status'] ?? {}, 'status');
  const address = status['podIP'];
  const isDone = status['phase'] === 'Succeeded' || status['phase'] === 'Failed';
  if (typeof address !== 'string' || isDone || spec['hostNetwork'] === true) return undefined;
  const containers = [...list(spec['initContainers'], name), ...list(spec['containers'], name)];
  const ports = containers.flatMap((container) => list(fields(container, name)['ports'], name).flatMap(readNamedPort));
  return { namespace, name, labels, address, ports };
}

export function readPolicy(object: Fields): Policy {
  const { namespace, name } = readMetadata(object);
  const what = `networkpolicy ${namespace}/${name}`;
  const spec = only(object['spec'], ['podSelector', 'policyTypes', 'ingress', 'egress'], what);
  const types = spec['policyTypes'] === undefined ? defaultTypes(spec) : texts(spec['policyTypes'], what);
  const unknown = types.filter((type) => type !== 'Ingress' && type !== 'Egress');
  if (unknown.length > 0) throw new Error(`${what}: unknown policy type "${unknown.join()}"`);
  return {
    namespace,
    name,
    selector: readSelector(spec['podSelector'] ?? {}, what),
    ...(types.includes('Ingress')
      ? { ingress: list(spec['ingress'], what).map((it) => readRule(it, 'from', what)) }
      : {}),
    ...(types.includes('Egress') ? { egress: list(spec['egress'], what).map((it) => readRule(it, 'to', what)) } : {}),
  };
}

function defaultTypes(spec: Fields): string[] {
  return list(spec['egress'], 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

/** An empty list of peers or ports means the same as none: no restriction. */
function readRule(value: unknown, side: 'from' | 'to', what: string): Rule {
  const rule = only(value, [side, 'ports'], what);
  const peers = list(rule[side], what).map((it) => readPeer(it, what));
  const ports = list(rule['ports'], what).map((it) => readPort(it, what));
  return { peers: peers.length > 0 ? peers : undefined, ports: ports.length > 0 ? ports : undefined };
}

function readPeer(value: unknown, what: string): Peer {
  const peer = only(value, ['ipBlock', 'namespaceSelector', 'podSelector'], what);
  if (peer['ipBlock'] !== undefined) {
    const block = only(peer['ipBlock'], ['cidr', 'except'], what);
    return { kind: 'block', cidr: text(block['cidr'], what), except: texts(block['except'] ?? [], what) };
  }
  const namespaces = peer['namespaceSelector'];
  return {
    kind: 'pods',
    namespaces: namespaces === undefined ? undefined : readSelector(namespaces, what),
    pods: readSelector(peer['podSelector'] ?? {}, what),
  };
}

function readPort(value: unknown, what: string): Port {
  const { protocol, port, endPort } = only(value, ['protocol', 'port', 'endPort'], what);
  if (port !== undefined && typeof port !== 'number' && typeof port !== 'string')
    throw new Error(`${what}: port must be a number or a name, got ${JSON.stringify(port)}`);
  if (endPort !== undefined && (typeof endPort !== 'number' || typeof port !== 'number'))
    throw new Error(`${what}: endPort and its port must be numbers`);
  return { protocol: readProtocol(protocol, what), port, endPort };
}

function readProtocol(value: unknown, what: string): Protocol {
  switch (value ?? 'TCP') {
    case 'TCP':
      return 'tcp';
    case 'UDP':
      return 'udp';
    case 'SCTP':
      return 'sctp';
    default:
      throw new Error(`${what}: unknown protocol ${JSON.stringify(value)}`);
  }
}

function readNamedPort(value: unknown): NamedPort[] {
  const { name, containerPort, protocol } = fields(value, 'port');
  if (typeof name !== 'string' || typeof containerPort !== 'number') return [];
  return [{ name, port: containerPort, protocol: readProtocol(protocol, 'container') }];
}

function readSelector(value: unknown, what: string): Selector {
  const selector = only(value, ['matchLabels', 'matchExpressions'], what);
  const expressions = list(selector['matchExpressions'], what).map((it) => readExpression(it, what));
  return { labels: readLabels(selector['matchLabels'], what), expressions };
}

function readExpression(value: unknown, what: string): Expression {
  const { key, operator, values } = only(value, ['key', 'operator', 'values'], what);
  if (!isOperator(operator)) throw new Error(`${what}: unknown operator ${JSON.stringify(operator)}`);
  return { key: text(key, what), operator, values: texts(values ?? [], what) };
}

function readMetadata(object: Fields): { namespace: string; name: string; labels: Labels } {
  const metadata = fields(object['metadata'], 'metadata');
  const name = text(metadata['name'], 'metadata');
  return { namespace: text(metadata['namespace'] ?? '', name), name, labels: readLabels(metadata['labels'], name) };
}

function readLabels(value: unknown, what: string): Labels {
  const entries = Object.entries(fields(value ?? {}, what));
  return Object.fromEntries(entries.map(([key, label]) => [key, text(label, `${what}: label ${key}`)]));
}
