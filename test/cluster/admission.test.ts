/** What the API server must not take: pods that could get at the agent or the node, and objects with a mistake in them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Api, type ApiAnswer, openApi } from './suite/api.ts';
import { NAMESPACES } from './suite/names.ts';
import { corePath, type Deployment, deploymentPath } from './suite/objects.ts';

let api: Api;
/** The pod that is good: customer's own. Each test spoils it in one way. */
let good: Deployment['spec']['template'];

before(async () => {
  api = await openApi();
  good = (await api.get<Deployment>(deploymentPath('customer'))).spec.template;
});

after(() => api?.[Symbol.asyncDispose]());

function tryPod(change: { readonly pod?: object; readonly container?: object }, query = ''): Promise<ApiAnswer> {
  const containers = good.spec.containers.map((container) => ({ ...container, ...change.container }));
  const metadata = { name: 'never', labels: good.metadata.labels };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...good.spec, containers, ...change.pod } };
  return api.send(`${corePath('pods')}?dryRun=All${query}`, { method: 'POST', body });
}

function tryClusterSpiffeId(spec: object): Promise<ApiAnswer> {
  const body = { apiVersion: 'spire.spiffe.io/v1alpha1', kind: 'ClusterSPIFFEID', metadata: { name: 'never' }, spec };
  const path = '/apis/spire.spiffe.io/v1alpha1/clusterspiffeids?dryRun=All&fieldValidation=Strict';
  return api.send(path, { method: 'POST', body });
}

test('the pod as it is would be taken', async () => {
  const { status, text } = await tryPod({}, '&fieldValidation=Strict');
  assert.equal(status, 201, text);
});

const refusedPods: ReadonlyArray<readonly [name: string, change: Parameters<typeof tryPod>[0], rule: RegExp]> = [
  ['a privileged container', { container: { securityContext: { privileged: true } } }, /privileged/],
  [
    'a container as root',
    { pod: { securityContext: { runAsUser: 0, seccompProfile: { type: 'RuntimeDefault' } } } },
    /runAsNonRoot != true|runAsUser=0/,
  ],
  [
    "the agent's socket by hostPath",
    {
      pod: { volumes: [{ name: 'agent', hostPath: { path: '/run/spire/agent-sockets' } }] },
      container: { volumeMounts: [] },
    },
    /restricted volume types/,
  ],
  ["the node's network", { pod: { hostNetwork: true } }, /host namespaces/],
  ["the node's processes", { pod: { hostPID: true } }, /host namespaces/],
  [
    'a capability',
    {
      container: {
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'], add: ['NET_RAW'] } },
      },
    },
    /unrestricted capabilities/,
  ],
];
for (const [name, change, rule] of refusedPods) {
  test(`a pod with ${name} is refused by Pod Security`, async () => {
    const { status, text } = await tryPod(change);
    assert.equal(status, 403, text);
    assert.match(text, /violates PodSecurity \\"restricted:v1\.36\\"/);
    assert.match(text, rule);
  });
}

test('a field that is misspelt is refused', async () => {
  const { status, text } = await tryPod({ pod: { automountServiceAccountTokn: false } }, '&fieldValidation=Strict');
  assert.equal(status, 400, text);
  assert.match(text, /unknown field \\"spec\.automountServiceAccountTokn\\"/);
});

test('a ClusterSPIFFEID is refused by the webhook when its template is none', async () => {
  const pattern = 'spiffe://{{ .TrustDomain }}/ns/{{ .PodMeta.Namespace }}/sa/{{ .PodSpec.ServiceAccountName }}';
  const well = await tryClusterSpiffeId({ spiffeIDTemplate: pattern });
  assert.equal(well.status, 201, well.text);
  const { status, text } = await tryClusterSpiffeId({ spiffeIDTemplate: 'spiffe://{{ .TrustDomain /x' });
  assert.equal(status, 403, text);
  assert.match(text, /vclusterspiffeid\.kb\.io/);
  assert.match(text, /spiffeIDTemplate|invalid spiffe/i);
});

test('a ClusterSPIFFEID with a field that is misspelt is refused', async () => {
  const { status, text } = await tryClusterSpiffeId({
    spiffeIDTemplate: 'spiffe://{{ .TrustDomain }}/x',
    jwtTTL: '5m',
  });
  assert.equal(status, 400, text);
  assert.match(text, /unknown field \\"spec\.jwtTTL\\"/);
});

test('nobody in the namespace of the services may ask the API anything', async () => {
  const user = `system:serviceaccount:${NAMESPACES.shop}:customer`;
  const spec = { user, resourceAttributes: { namespace: NAMESPACES.shop, verb: 'get', resource: 'secrets' } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const { status, text } = await api.send('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    method: 'POST',
    body,
  });
  assert.equal(status, 201, text);
  const review: { status: { allowed: boolean } } = JSON.parse(text);
  assert.equal(review.status.allowed, false);
});
