/**
 * ClusterSPIFFEIDs as the controller manager reads them: which pods each selects, and which ID, DNS names and selectors come of
 * its templates. The templates are Go's; of those only plain fields are understood, and anything else is said to be not.
 */
import { at, type Json, listAt, objectAt, textAt, textListAt, textsAt } from './json.ts';
import { type KubeObject, ofKind } from './objects.ts';
import type { PodTemplate } from './pods.ts';
import { selects } from './selectors.ts';
import type { World } from './world.ts';

/** One of them. */
export interface ClusterSpiffeId {
  readonly name: string;
  readonly spec: Json;
}

/** What a pod gets of one. */
export interface IssuedIdentity {
  /** The ClusterSPIFFEID. */
  readonly by: string;
  readonly spiffeId: string;
  /** The first becomes the certificate's CN. */
  readonly dnsNames: readonly string[];
  /** What the agent must see of the process, beside the pod's UID. */
  readonly selectors: readonly string[];
}

/** Where the chart's values keep them. */
const VALUES_PATH = ['spire-server', 'controllerManager', 'identities', 'clusterSPIFFEIDs'];

/** Those of the values that are switched on, as the chart makes them. */
export function clusterSpiffeIds({ spireValues }: Pick<World, 'spireValues'>): readonly ClusterSpiffeId[] {
  return Object.entries(objectAt(spireValues, ...VALUES_PATH))
    .filter(([, spec]) => at(spec, 'enabled') !== false)
    .map(([name, spec]) => ({ name, spec }));
}

/** What of the values is the chart's own, and no field of the resource. */
const CHART_FIELDS = ['enabled', 'name', 'type', 'labels', 'annotations'];

/** The resources that the chart makes of the values: the same fields but for one that has another spelling there. */
export function customResources(world: Pick<World, 'spireValues'>): readonly KubeObject[] {
  const className = textAt(world.spireValues, 'spire-server', 'controllerManager', 'className') ?? '';
  return clusterSpiffeIds(world).map(({ name, spec }) => {
    const fields = Object.entries(objectAt(spec)).filter(([key]) => !CHART_FIELDS.includes(key));
    const renamed = fields.map(([key, value]) => [key === 'jwtTTL' ? 'jwtTtl' : key, value] as const);
    const [apiVersion, kind] = ['spire.spiffe.io/v1alpha1', 'ClusterSPIFFEID'];
    const body = { apiVersion, kind, metadata: { name }, spec: { className, ...Object.fromEntries(renamed) } };
    return { apiVersion, kind, name, namespace: '', body };
  });
}

/** What a pod gets: nothing, one, or, by a mistake, several. @throws {Error} for a template that is not understood */
export function issuedTo(pod: PodTemplate, world: World): readonly IssuedIdentity[] {
  const namespace = ofKind(world.objects, 'Namespace').find(({ name }) => name === pod.namespace);
  const labels = textsAt(namespace?.body, 'metadata', 'labels');
  return clusterSpiffeIds(world)
    .filter(({ spec }) => selectsAll(spec, 'namespaceSelector', labels) && selectsAll(spec, 'podSelector', pod.labels))
    .map(({ name, spec }) => {
      const render = (template: string) => renderTemplate(template, valuesOf(pod, world), name);
      return {
        by: name,
        spiffeId: render(textAt(spec, 'spiffeIDTemplate') ?? ''),
        dnsNames: textListAt(spec, 'dnsNameTemplates').map(render),
        selectors: textListAt(spec, 'workloadSelectorTemplates').map(render),
      };
    });
}

/** Whether the agent, seeing this pod's process, finds these selectors. Others than these are not looked at. */
export function hasSelectors({ selectors }: IssuedIdentity, pod: PodTemplate): boolean {
  const seen = [`k8s:ns:${pod.namespace}`, `k8s:sa:${pod.serviceAccount}`];
  return selectors.every((selector) => seen.includes(selector));
}

/** A selector that is not there selects all: unlike a Service's. */
function selectsAll(spec: Json, field: string, labels: Readonly<Record<string, string>>): boolean {
  const selector = at(spec, field);
  return selector === undefined || selects(selector, labels);
}

function valuesOf(pod: PodTemplate, { identities, spireValues }: World): ReadonlyMap<string, string> {
  return new Map([
    ['.TrustDomain', identities.trustDomain],
    ['.ClusterName', textAt(spireValues, 'global', 'spire', 'clusterName') ?? ''],
    ['.PodMeta.Namespace', pod.namespace],
    ['.PodMeta.Name', pod.owner.name],
    ['.PodSpec.ServiceAccountName', pod.serviceAccount],
  ]);
}

function renderTemplate(template: string, values: ReadonlyMap<string, string>, name: string): string {
  return template.replace(/\{\{(.*?)\}\}/g, (_, expression: string) => {
    const value = values.get(expression.trim());
    if (value === undefined) throw new Error(`ClusterSPIFFEID ${name}: not understood: {{${expression}}}`);
    return value;
  });
}

/** Whether a pod has the volume by which it would ask for an identity. */
export function hasWorkloadApi({ spec }: PodTemplate): boolean {
  return listAt(spec, 'volumes').some((volume) => textAt(volume, 'csi', 'driver') === 'csi.spiffe.io');
}
