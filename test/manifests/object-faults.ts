/** Faults for the lints of pods and what they refer to. */
import {
  BACKEND,
  backend,
  backendContainer,
  backendList,
  edit,
  type Fault,
  fault,
  POD,
  variable,
  without,
} from './plant.ts';

/** Of the lints of pods and what they refer to. */
export const OBJECT_FAULTS: readonly Fault[] = [
  fault(
    'pod-security',
    'privilege escalation',
    BACKEND,
    backendContainer(['securityContext', 'allowPrivilegeEscalation'], true),
  ),
  fault('pod-security', 'a privileged container', BACKEND, backendContainer(['securityContext', 'privileged'], true)),
  fault('pod-security', 'capabilities kept', BACKEND, backendContainer(['securityContext', 'capabilities'], undefined)),
  fault(
    'pod-security',
    'a capability added',
    BACKEND,
    backendContainer(['securityContext', 'capabilities', 'add'], ['SYS_PTRACE']),
  ),
  fault('pod-security', 'root', BACKEND, backend([...POD, 'securityContext', 'runAsUser'], 0)),
  fault('pod-security', 'root by its own word', BACKEND, backendContainer(['securityContext', 'runAsNonRoot'], false)),
  fault(
    'pod-security',
    'no seccomp profile',
    BACKEND,
    backend([...POD, 'securityContext', 'seccompProfile'], undefined),
  ),
  fault('pod-security', "the host's processes", BACKEND, backend([...POD, 'hostPID'], true)),
  fault('pod-security', "the host's network", BACKEND, backend([...POD, 'hostNetwork'], true)),
  fault(
    'pod-security',
    "the host's files",
    BACKEND,
    backendList([...POD, 'volumes'], { name: 'host', hostPath: { path: '/' } }),
  ),
  fault('pod-security', "the host's port", BACKEND, backendContainer(['ports', 0, 'hostPort'], 8443)),
  fault(
    'pod-security',
    'a probe elsewhere',
    BACKEND,
    backendContainer(['livenessProbe'], { tcpSocket: { host: '192.0.2.1', port: 80 } }),
  ),
  fault(
    'pod-security',
    'a sidecar that was forgotten',
    BACKEND,
    backend([...POD, 'initContainers'], [{ name: 'helper', image: 'a/b:1' }]),
  ),
  fault(
    'read-only-root',
    'a writable root',
    BACKEND,
    backendContainer(['securityContext', 'readOnlyRootFilesystem'], undefined),
  ),
  fault(
    'no-service-account-token',
    'the token mounted',
    BACKEND,
    backend([...POD, 'automountServiceAccountToken'], undefined),
  ),
  fault(
    'no-service-account-token',
    'a token projected',
    BACKEND,
    backendList([...POD, 'volumes'], {
      name: 'token',
      projected: { sources: [{ serviceAccountToken: { path: 'token' } }] },
    }),
  ),
  fault('namespace-restricted', 'not enforced', /Namespace/, (world) =>
    edit(
      world,
      'Namespace',
      world.identities.namespace,
      ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'],
      'baseline',
    ),
  ),
  fault('namespace-restricted', 'not pinned', /Namespace/, (world) =>
    edit(
      world,
      'Namespace',
      world.identities.namespace,
      ['metadata', 'labels', 'pod-security.kubernetes.io/enforce-version'],
      'latest',
    ),
  ),
  fault('namespace-declared', 'no namespace', BACKEND, (world) =>
    without('Namespace', world.identities.namespace)(world),
  ),
  fault('volumes-exist', 'a mount of nothing', BACKEND, backendContainer(['volumeMounts', 0, 'name'], 'nothing')),
  fault(
    'volumes-exist',
    'a volume for nobody',
    BACKEND,
    backendList([...POD, 'volumes'], { name: 'spare', emptyDir: {} }),
  ),
  fault('config-exists', 'no ConfigMap', /StatefulSet \w+\/postgres/, without('ConfigMap', 'postgres-access')),
  fault(
    'config-exists',
    'no such key',
    BACKEND,
    backendContainer(['envFrom'], [{ configMapRef: { name: 'nowhere' } }]),
  ),
  fault(
    'config-exists',
    'no Secret',
    BACKEND,
    backendList([...POD, 'volumes'], { name: 'keys', secret: { secretName: 'keys' } }),
  ),
  fault('service-account-exists', 'no ServiceAccount', BACKEND, without('ServiceAccount', 'backend')),
  fault('governing-service-exists', 'no Service of the StatefulSet', /StatefulSet/, without('Service', 'postgres')),
  fault(
    'probe-port-exists',
    'a probe of no port',
    BACKEND,
    backendContainer(['readinessProbe'], { tcpSocket: { port: 'ready' } }),
  ),
  fault('port-name-valid', 'a long name', BACKEND, backendContainer(['ports', 0, 'name'], 'a-name-of-sixteen')),
  fault('service-selects-pods', 'another label', /Service \w+\/db-client/, (world) =>
    edit(world, 'Service', 'db-client', ['spec', 'selector'], { 'app.kubernetes.io/name': 'database' }),
  ),
  fault('service-selects-pods', 'another port', /Service \w+\/db-client/, (world) =>
    edit(world, 'Service', 'db-client', ['spec', 'ports', 0, 'targetPort'], 9445),
  ),
  fault(
    'selector-matches-template',
    'another label',
    BACKEND,
    backend(['spec', 'selector', 'matchLabels'], { app: 'backend' }),
  ),
  fault('disruption-budget', 'it selects nobody', /PodDisruptionBudget/, (world) =>
    edit(world, 'PodDisruptionBudget', 'backend', ['spec', 'selector', 'matchLabels'], { app: 'backend' }),
  ),
  fault('disruption-budget', 'no drain ends', /PodDisruptionBudget/, (world) =>
    edit(world, 'PodDisruptionBudget', 'backend', ['spec', 'maxUnavailable'], 0),
  ),
  fault('image-pinned', 'latest', BACKEND, backendContainer(['image'], 'docker.io/library/node:latest')),
  fault('image-pinned', 'no tag', BACKEND, backendContainer(['image'], 'docker.io/library/node')),
  fault('image-pinned', 'built nowhere', BACKEND, backendContainer(['image'], 'countersign/backends')),
  fault('env-is-text', 'a number', BACKEND, variable('RETRIES', 3)),
  fault('env-once', 'twice', BACKEND, (world) => variable('TWICE', 'a')(variable('TWICE', 'b')(world))),
  fault('resources-bounded', 'no limit of memory', BACKEND, backendContainer(['resources', 'limits'], undefined)),
  fault('readiness-probed', 'no probe', BACKEND, backendContainer(['readinessProbe'], undefined)),
];
