/** Ways to break a system in one place: a copy of it with something else there. */
import { at, isObject, type Json, listAt, withValue } from './json.ts';
import { type KubeObject, ofKind } from './objects.ts';
import type { World } from './world.ts';

/** One of them. */
export interface Fault {
  /** The rule that must see it. */
  readonly rule: string;
  readonly title: string;
  /** What the finding names. */
  readonly names: RegExp;
  plant(world: World): World;
}

type Path = readonly (string | number)[];

export const POD: Path = ['spec', 'template', 'spec'];
const CONTAINER: Path = [...POD, 'containers', 0];
const CLUSTER_SPIFFE_IDS: Path = ['spire-server', 'controllerManager', 'identities', 'clusterSPIFFEIDs'];

/** The first object of this kind and name with another value at a path, or without it. */
export function edit(world: World, kind: string, name: string, path: Path, to: Json | undefined): World {
  const index = world.objects.findIndex((object) => object.kind === kind && object.name.startsWith(name));
  const object = world.objects[index];
  if (object === undefined) throw new Error(`faults: there is no ${kind} ${name} to break`);
  const body = withValue(object.body, path, to);
  const edited: KubeObject = { ...object, body: isObject(body) ? body : {} };
  return { ...world, objects: world.objects.with(index, edited) };
}

export function backend(path: Path, to: Json | undefined): (world: World) => World {
  return (world) => edit(world, 'Deployment', 'backend', path, to);
}

export function backendContainer(path: Path, to: Json | undefined): (world: World) => World {
  return backend([...CONTAINER, ...path], to);
}

/** One more item in a list of backend's. */
export function backendList(path: Path, item: Json): (world: World) => World {
  return (world) => {
    const list = listAt(ofKind(world.objects, 'Deployment').find(({ name }) => name === 'backend')?.body, ...path);
    return edit(world, 'Deployment', 'backend', [...path, list.length], item);
  };
}

/** The same variable with another value, wherever it is given. */
export function variable(name: string, value: Json): (world: World) => World {
  return (world) => backendList([...CONTAINER, 'env'], { name, value })(world);
}

export function without(kind: string, name: string): (world: World) => World {
  return (world) => ({
    ...world,
    objects: world.objects.filter((object) => !(object.kind === kind && object.name.startsWith(name))),
  });
}

export function values(path: Path, to: Json | undefined): (world: World) => World {
  return (world) => ({ ...world, spireValues: withValue(world.spireValues, path, to) });
}

export function identity(name: string, path: Path, to: Json | undefined): (world: World) => World {
  return values([...CLUSTER_SPIFFE_IDS, name, ...path], to);
}

/** A policy of the network that opens what nobody granted. */
export function opened(name: string, spec: Json): (world: World) => World {
  return (world) => {
    const { namespace } = world.identities;
    const body = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace },
      spec,
    };
    const policy: KubeObject = { apiVersion: body.apiVersion, kind: body.kind, name, namespace, body };
    return { ...world, objects: [...world.objects, policy] };
  };
}

/** Envoy that calls db-client, and accepts these. */
export function envoy(accepted: (world: World) => readonly Json[]): (world: World) => World {
  return (world) => {
    const endpoint = { endpoint: { address: { socket_address: { address: 'db-client', port_value: 9444 } } } };
    const validation = {
      match_typed_subject_alt_names: accepted(world).map((matcher) => ({ san_type: 'URI', matcher })),
    };
    const tls = { combined_validation_context: { default_validation_context: validation } };
    const cluster = {
      name: 'db-client',
      load_assignment: { endpoints: [{ lb_endpoints: [endpoint] }] },
      transport_socket: { typed_config: { common_tls_context: tls } },
    };
    const data = { 'envoy.yaml': JSON.stringify({ static_resources: { clusters: [cluster] } }) };
    const { namespace } = world.identities;
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'planted-envoy', namespace }, data };
    const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', name: 'planted-envoy', namespace, body };
    return { ...world, objects: [...world.objects, object] };
  };
}

export function replaced(kind: string, name: string, path: Path, from: string, to: string): (world: World) => World {
  return (world) => {
    const object = ofKind(world.objects, kind).find((one) => one.name.startsWith(name));
    const text = at(object?.body, ...path);
    if (typeof text !== 'string' || !text.includes(from)) throw new Error(`faults: no ${from} in ${kind} ${name}`);
    return edit(world, kind, name, path, text.replace(from, to));
  };
}

/** The object that most faults are planted in, as findings name it. */
export const BACKEND = /Deployment \w+\/backend/;

/** One fault, in one line. */
export function fault(rule: string, title: string, names: RegExp, plant: (world: World) => World): Fault {
  return { rule, title, names, plant };
}
