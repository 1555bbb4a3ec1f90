/**
 * Pod Security "restricted", asked of each container instead of waiting for the API server; and two rules of the house beyond
 * it: nothing writes to its own image, and nobody gets a token for the API server.
 */
import { type Finding, quoted } from '../findings.ts';
import { at, type JsonObject, listAt, objectAt, textAt, textListAt } from '../json.ts';
import { idOf } from '../objects.ts';
import { type Container, type PodTemplate, podsOf } from '../pods.ts';
import type { World } from '../world.ts';

const HOST_FIELDS = ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers'];
const VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

export function podSecurity({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap((pod) => [
    ...podFaults(pod),
    ...pod.containers.flatMap((container) => containerFaults(pod, container)),
  ]);
}

export function readOnlyRoot({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap((pod) =>
    pod.containers
      .filter(({ body }) => at(body, 'securityContext', 'readOnlyRootFilesystem') !== true)
      .map(({ name }) => ({
        rule: 'read-only-root',
        object: `${idOf(pod.owner)}, ${name}`,
        says: 'readOnlyRootFilesystem must be true: what needs to write gets a volume',
      })),
  );
}

export function noServiceAccountToken({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap(({ owner, spec, containers }) => {
    const finding = (says: string): Finding => ({ rule: 'no-service-account-token', object: idOf(owner), says });
    const mounted = at(spec, 'automountServiceAccountToken') === false ? [] : [finding('the token is mounted')];
    const projected = listAt(spec, 'volumes')
      .flatMap((volume) => listAt(volume, 'projected', 'sources'))
      .filter((source) => at(source, 'serviceAccountToken') !== undefined)
      .map(() => finding('a token is projected into a volume'));
    return containers.length === 0 ? [] : [...mounted, ...projected];
  });
}

function podFaults({ owner, spec }: PodTemplate): readonly Finding[] {
  const faults = HOST_FIELDS.filter((field) => at(spec, field) === (field !== 'hostUsers')).map(
    (field) => `${field} must not be ${field !== 'hostUsers'}`,
  );
  for (const volume of listAt(spec, 'volumes')) {
    const kinds = Object.keys(objectAt(volume)).filter((key) => key !== 'name' && !VOLUMES.has(key));
    faults.push(...kinds.map((kind) => `volume ${quoted(textAt(volume, 'name'))}: ${kind} is not allowed`));
  }
  return faults.map((says) => ({ rule: 'pod-security', object: idOf(owner), says }));
}

function containerFaults({ owner, spec }: PodTemplate, { name, body }: Container): readonly Finding[] {
  /** The container's own value counts before the pod's. */
  const either = (...path: string[]) => at(body, 'securityContext', ...path) ?? at(spec, 'securityContext', ...path);
  const faults: string[] = [];
  const demand = (holds: boolean, rule: string) => void (holds || faults.push(rule));
  const own = at(body, 'securityContext');
  demand(at(own, 'allowPrivilegeEscalation') === false, 'allowPrivilegeEscalation must be false');
  demand(at(own, 'privileged') !== true, 'privileged must not be true');
  demand(textListAt(own, 'capabilities', 'drop').includes('ALL'), 'capabilities.drop must name ALL');
  const added = textListAt(own, 'capabilities', 'add').filter((capability) => capability !== 'NET_BIND_SERVICE');
  demand(added.length === 0, `capabilities.add must not name ${added.join(', ')}`);
  demand(either('runAsNonRoot') === true, 'runAsNonRoot must be true');
  demand(either('runAsUser') !== 0, 'runAsUser must not be 0');
  const seccomp = either('seccompProfile', 'type');
  demand(seccomp === 'RuntimeDefault' || seccomp === 'Localhost', `seccompProfile must be set, got ${quoted(seccomp)}`);
  demand(!hasHostPort(body), 'ports must not have a hostPort');
  demand(!hasProbeHost(body), 'probes must not name a host');
  return faults.map((says) => ({ rule: 'pod-security', object: `${idOf(owner)}, ${name}`, says }));
}

function hasHostPort(container: JsonObject): boolean {
  return listAt(container, 'ports').some((port) => (at(port, 'hostPort') ?? 0) !== 0);
}

/** Since 1.34: a probe with a host lets the kubelet be sent anywhere. */
function hasProbeHost(container: JsonObject): boolean {
  return ['startupProbe', 'readinessProbe', 'livenessProbe'].some(
    (probe) =>
      at(container, probe, 'httpGet', 'host') !== undefined || at(container, probe, 'tcpSocket', 'host') !== undefined,
  );
}
