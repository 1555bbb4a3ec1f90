/** Envoy's clusters in ConfigMaps: each that speaks TLS accepts exactly who is behind its address, by SPIFFE ID. */
import { issuedTo } from '../cluster-spiffe-ids.ts';
import { podsBehind } from '../environment.ts';
import { type Finding, quoted } from '../findings.ts';
import { at, isList, isObject, type Json, listAt, textAt, textsAt } from '../json.ts';
import { findObject, idOf, type KubeObject, ofKind, parseYaml } from '../objects.ts';
import type { World } from '../world.ts';

export function envoySan(world: World): readonly Finding[] {
  return ofKind(world.objects, 'ConfigMap').flatMap((object) =>
    clustersOf(object)
      .filter((cluster) => at(cluster, 'transport_socket') !== undefined)
      .flatMap((cluster) => clusterFaults(cluster, object, world)),
  );
}

function clusterFaults(cluster: Json, object: KubeObject, world: World): readonly Finding[] {
  const name = textAt(cluster, 'name');
  const finding = (says: string): Finding => ({ rule: 'envoy-san', object: idOf(object), says: `${name}: ${says}` });
  const accepted = acceptedIds(cluster);
  const behind = addressesOf(cluster).flatMap((host) => idsBehind(host, object.namespace, world));
  if (accepted.length === 0) return [finding('it accepts every identity of the trust domain')];
  if (behind.length === 0) return [finding(`nobody with an identity is behind ${quoted(addressesOf(cluster))}`)];
  return [
    ...accepted.filter((id) => !behind.includes(id)).map((id) => finding(`it accepts ${quoted(id)}, who is not there`)),
    ...behind.filter((id) => !accepted.includes(id)).map((id) => finding(`it does not accept ${id}, who is there`)),
  ];
}

/** Only whole IDs are taken: a prefix or a suffix would be somebody else's too. */
function acceptedIds(cluster: Json): readonly string[] {
  const context = at(cluster, 'transport_socket', 'typed_config', 'common_tls_context');
  const validation =
    at(context, 'combined_validation_context', 'default_validation_context') ?? at(context, 'validation_context');
  return listAt(validation, 'match_typed_subject_alt_names')
    .filter((matcher) => textAt(matcher, 'san_type') === 'URI')
    .map((matcher) => textAt(matcher, 'matcher', 'exact') ?? `any like ${quoted(at(matcher, 'matcher'))}`);
}

function addressesOf(cluster: Json): readonly string[] {
  return listAt(cluster, 'load_assignment', 'endpoints')
    .flatMap((locality) => listAt(locality, 'lb_endpoints'))
    .flatMap((endpoint) => textAt(endpoint, 'endpoint', 'address', 'socket_address', 'address') ?? []);
}

function idsBehind(host: string, home: string, world: World): readonly string[] {
  const [name = '', namespace = home] = host.split('.');
  const service = findObject(world.objects, 'Service', namespace, name);
  if (service === undefined) return [];
  return podsBehind(service, world).flatMap((pod) => issuedTo(pod, world).map(({ spiffeId }) => spiffeId));
}

/** Whatever has endpoints, in whatever file: static, or a resource that is discovered. */
function clustersOf(object: KubeObject): readonly Json[] {
  return Object.entries(textsAt(object.body, 'data'))
    .filter(([, text]) => text.includes('load_assignment'))
    .flatMap(([key, text]) => parseYaml(text, `${idOf(object)}, ${key}`).flatMap(withEndpoints));
}

function withEndpoints(value: Json): readonly Json[] {
  if (isList(value)) return value.flatMap(withEndpoints);
  if (!isObject(value)) return [];
  return [
    ...(at(value, 'load_assignment') === undefined ? [] : [value]),
    ...Object.values(value).flatMap(withEndpoints),
  ];
}
