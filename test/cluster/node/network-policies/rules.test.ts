/** Which packets pass: the table is evaluated here as nftables would, so the cases say who may reach whom, not how it is written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster, Pod } from './cluster.ts';
import { readNamespace, readPod, readPolicy } from './read.ts';
import { rulesFor } from './rules.ts';
import { passes } from './table.ts';

const shop = { name: 'shop', labels: { team: 'a', 'kubernetes.io/metadata.name': 'shop' } };
const other = { name: 'other', labels: { 'kubernetes.io/metadata.name': 'other' } };

const client = pod('shop', 'client', '10.0.0.1', { app: 'client' });
const server = pod('shop', 'server', '10.0.0.2', { app: 'server' }, { https: 8443, health: 8081 });
const stranger = pod('other', 'stranger', '10.0.0.3', { app: 'client' });

function pod(namespace: string, name: string, ip: string, labels: object, ports: Record<string, number> = {}): Pod {
  const listed = Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort }));
  const read = readPod({
    metadata: { namespace, name, labels },
    spec: { containers: [{ name, ports: listed }] },
    status: { phase: 'Running', podIP: ip },
  });
  assert.ok(read);
  return read;
}

function clusterWith(...specs: object[]): Cluster {
  const namespaces = [shop, other].map(({ name, labels }) => readNamespace({ metadata: { name, labels } }));
  return {
    namespaces: new Map(namespaces.map(({ name, labels }) => [name, labels])),
    pods: [client, server, stranger],
    policies: specs.map((spec, index) =>
      readPolicy({ metadata: { namespace: 'shop', name: `policy-${index}` }, spec }),
    ),
  };
}

function reaches(cluster: Cluster, from: Pod, to: Pod, port: number, protocol = 'tcp'): boolean {
  return passes(rulesFor(cluster), { from: from.address, to: to.address, protocol, port });
}

const denyAll = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] };
const toServer = (rule: object): object => ({
  podSelector: { matchLabels: { app: 'client' } },
  policyTypes: ['Egress'],
  egress: [rule],
});
const fromClient = (rule: object): object => ({
  podSelector: { matchLabels: { app: 'server' } },
  policyTypes: ['Ingress'],
  ingress: [rule],
});
const serverPods = { podSelector: { matchLabels: { app: 'server' } } };
const clientPods = { podSelector: { matchLabels: { app: 'client' } } };

describe('refused', () => {
  it('from and to an address that is no known pod', () => {
    const strange = { ...client, address: '10.0.0.99' };
    assert.equal(reaches(clusterWith(), strange, server, 8443), false);
    assert.equal(reaches(clusterWith(), client, { ...server, address: '10.0.0.99' }, 8443), false);
  });

  it('by default-deny, both ways', () => {
    const cluster = clusterWith(denyAll);
    assert.equal(reaches(cluster, client, server, 8443), false);
    assert.equal(reaches(cluster, stranger, server, 8443), false);
    assert.equal(reaches(cluster, client, stranger, 8443), false);
  });

  it('when one side alone allows', () => {
    assert.equal(reaches(clusterWith(denyAll, toServer({ to: [serverPods] })), client, server, 8443), false);
    assert.equal(reaches(clusterWith(denyAll, fromClient({ from: [clientPods] })), client, server, 8443), false);
  });

  it('another port, another protocol', () => {
    const ports = [{ protocol: 'TCP', port: 8443 }];
    const cluster = clusterWith(
      denyAll,
      toServer({ to: [serverPods], ports }),
      fromClient({ from: [clientPods], ports }),
    );
    assert.equal(reaches(cluster, client, server, 8081), false);
    assert.equal(reaches(cluster, client, server, 8443, 'udp'), false);
  });

  it('the same labels in another namespace', () => {
    const cluster = clusterWith(fromClient({ from: [clientPods] }));
    assert.equal(reaches(cluster, stranger, server, 8443), false);
  });

  it('a port whose name the receiver has not got', () => {
    const cluster = clusterWith(fromClient({ from: [clientPods], ports: [{ port: 'grpc' }] }));
    assert.equal(reaches(cluster, client, server, 8443), false);
  });

  it('what a block excepts', () => {
    const from = [{ ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.1/32'] } }];
    assert.equal(reaches(clusterWith(fromClient({ from })), client, server, 8443), false);
  });
});

describe('allowed', () => {
  it('without any policy', () => {
    assert.equal(reaches(clusterWith(), stranger, server, 8443), true);
  });

  it('when both sides allow, by a port name that is the receiver’s', () => {
    const ports = [{ port: 'https' }];
    const cluster = clusterWith(
      denyAll,
      toServer({ to: [serverPods], ports }),
      fromClient({ from: [clientPods], ports }),
    );
    assert.equal(reaches(cluster, client, server, 8443), true);
    assert.equal(reaches(cluster, client, server, 8081), false);
  });

  it('everybody, by a port name', () => {
    const cluster = clusterWith(denyAll, toServer({ ports: [{ port: 'https' }] }), fromClient({}));
    assert.equal(reaches(cluster, client, server, 8443), true);
    assert.equal(reaches(cluster, client, server, 8081), false);
  });

  it('a range of ports', () => {
    const cluster = clusterWith(fromClient({ ports: [{ port: 8000, endPort: 8100 }] }));
    assert.equal(reaches(cluster, client, server, 8081), true);
    assert.equal(reaches(cluster, client, server, 8443), false);
  });

  it('a namespace by its labels, and by expressions', () => {
    const other = { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] };
    const cluster = clusterWith(fromClient({ from: [{ namespaceSelector: other }] }));
    assert.equal(reaches(cluster, stranger, server, 8443), true);
    assert.equal(reaches(cluster, client, server, 8443), false);
  });

  it('a block but for what it excepts', () => {
    const from = [{ ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.1/32'] } }];
    assert.equal(reaches(clusterWith(fromClient({ from })), stranger, server, 8443), true);
  });
});

describe('not understood is an error', () => {
  const cases: Array<[string, object, RegExp]> = [
    ['a field of the policy', { podSelector: {}, priority: 1 }, /unknown field "priority"/],
    [
      'a field of a peer',
      { podSelector: {}, ingress: [{ from: [{ serviceSelector: {} }] }] },
      /unknown field "serviceSelector"/,
    ],
    ['a direction', { podSelector: {}, policyTypes: ['Sideways'] }, /unknown policy type "Sideways"/],
    ['a protocol', { podSelector: {}, ingress: [{ ports: [{ protocol: 'ICMP' }] }] }, /unknown protocol "ICMP"/],
    ['an operator', { podSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } }, /unknown operator "Like"/],
    ['an end of a range by name', { podSelector: {}, ingress: [{ ports: [{ port: 'a', endPort: 9 }] }] }, /endPort/],
  ];
  for (const [name, spec, message] of cases) it(name, () => assert.throws(() => clusterWith(spec), message));
});

describe('no party', () => {
  const base = { metadata: { namespace: 'shop', name: 'a' }, spec: { containers: [] } };
  it('without an address, done, or in the network of the node', () => {
    assert.equal(readPod({ ...base, status: { phase: 'Pending' } }), undefined);
    assert.equal(readPod({ ...base, status: { phase: 'Succeeded', podIP: '10.0.0.9' } }), undefined);
    const spec = { hostNetwork: true, containers: [] };
    assert.equal(readPod({ ...base, spec, status: { phase: 'Running', podIP: '10.0.0.9' } }), undefined);
  });
});
