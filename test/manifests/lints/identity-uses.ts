/** Wherever an identity is named, it is one that a ClusterSPIFFEID gives: by a client, by PostgreSQL, by the policy, by Envoy. */
import { issuedTo } from '../cluster-spiffe-ids.ts';
import { environmentOf, podsBehind, type Upstream, upstreamsOf } from '../environment.ts';
import { type Finding, quoted } from '../findings.ts';
import { textsAt } from '../json.ts';
import { idOf, ofKind } from '../objects.ts';
import { type PodTemplate, podsOf } from '../pods.ts';
import type { World } from '../world.ts';

/** A client that calls a workload demands the ID that all pods behind that Service have: `BACKEND_URL`, `BACKEND_SPIFFE_ID`. */
export function expectedServerId(world: World): readonly Finding[] {
  return podsOf(world.objects).flatMap((pod) =>
    upstreamsOf(pod, world).flatMap((upstream) => {
      const finding = (says: string): Finding => ({ rule: 'expected-server-id', object: idOf(pod.owner), says });
      const demanded = demandedId(upstream, world);
      const given = idsBehind(upstream, world);
      if (given.length === 0) return [];
      if (demanded === undefined)
        return [finding(`${upstream.variable} is called without a variable for its SPIFFE ID`)];
      return given
        .filter((id) => id !== demanded)
        .map((id) => finding(`${upstream.variable} leads to ${id}, and ${quoted(demanded)} is demanded of it`));
    }),
  );
}

/** IDs of our trust domain that stand anywhere in a variable or a ConfigMap. */
export function knownIdentity(world: World): readonly Finding[] {
  const known = new Set(world.identities.names().map((name) => world.identities.workload(name).spiffeId));
  const pattern = new RegExp(`spiffe://${world.identities.trustDomain.replaceAll('.', '\\.')}/[A-Za-z0-9._/-]+`, 'g');
  const texts = [
    ...ofKind(world.objects, 'ConfigMap').map((object) => ({
      object,
      values: Object.values(textsAt(object.body, 'data')),
    })),
    ...podsOf(world.objects).map((pod) => ({ object: pod.owner, values: variablesOf(pod, world) })),
  ];
  return texts.flatMap(({ object, values }) =>
    [...new Set(values.flatMap((value) => value.match(pattern) ?? []))]
      .filter((id) => !known.has(id))
      .map((id) => ({ rule: 'known-identity', object: idOf(object), says: `nobody gets ${quoted(id)}` })),
  );
}

/** Callers, called and origins of the policy's data. Those of other trust domains are for their own domain to give. */
export function policyPrincipal({ identities, grants }: World): readonly Finding[] {
  const known = new Set(identities.names().map((name) => identities.workload(name).spiffeId));
  const ours = `spiffe://${identities.trustDomain}/`;
  const named = Object.entries(grants).flatMap(([called, callers]) => [
    called,
    ...Object.entries(callers).flatMap(([caller, operations]) => [
      caller,
      ...Object.values(operations).flatMap(({ origins = {} }) => Object.keys(origins)),
    ]),
  ]);
  return [...new Set(named)]
    .filter((id) => id.startsWith(ours) && !known.has(id))
    .map((id) => ({ rule: 'policy-principal', object: 'policies/data', says: `nobody gets ${quoted(id)}` }));
}

/** PostgreSQL knows a certificate by its CN: each that it maps to a role is one that a workload has, and no other. */
export function pgIdent({ identities, objects }: World): readonly Finding[] {
  const wanted = identities
    .names()
    .map((name) => identities.workload(name))
    .flatMap(({ dnsName, postgresRole }) => (postgresRole === undefined ? [] : [`"${dnsName}" "${postgresRole}"`]));
  return ofKind(objects, 'ConfigMap').flatMap((object) => {
    const { 'pg_ident.conf': map, 'pg_hba.conf': access } = textsAt(object.body, 'data');
    const finding = (says: string): Finding => ({ rule: 'pg-ident', object: idOf(object), says });
    if (map === undefined) return [];
    const lines = configLines(map).map((line) => line.replace(/^\S+\s+/, ''));
    return [
      ...lines.filter((line) => !wanted.includes(line)).map((line) => finding(`nobody is ${line}`)),
      ...wanted.filter((line) => !lines.includes(line)).map((line) => finding(`there is no line for ${line}`)),
      ...configLines(access ?? '')
        .filter((line) => !/^hostssl .* cert map=\w+$/.test(line))
        .map((line) => finding(`pg_hba.conf lets in without a client certificate: ${quoted(line)}`)),
      ...(configLines(access ?? '').length === 0 ? [finding('pg_hba.conf lets nobody in, or is not beside it')] : []),
    ];
  });
}

function configLines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

/** `DB_CLIENT_GRPC_ADDRESS` -> the longest prefix that has a `_SPIFFE_ID`. */
function demandedId({ from, variable }: Upstream, world: World): string | undefined {
  const words = variable.split('_');
  const environments = from.containers.map((container) => environmentOf(from, container, world));
  const names = words.map((_, index) => `${words.slice(0, words.length - index).join('_')}_SPIFFE_ID`);
  return names.flatMap((name) => environments.flatMap((environment) => environment.get(name) ?? []))[0];
}

function idsBehind({ service }: Upstream, world: World): readonly string[] {
  if (service === undefined) return [];
  return podsBehind(service, world).flatMap((pod) => issuedTo(pod, world).map(({ spiffeId }) => spiffeId));
}

function variablesOf(pod: PodTemplate, world: World): readonly string[] {
  return pod.containers.flatMap((container) => [...environmentOf(pod, container, world).values()]);
}
