/** The manifests of an overlay, and how what runs differs from them. */
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { Api } from './api.ts';
import { kubectl, tryKubectl } from './kubectl.ts';
import { NAMESPACES } from './names.ts';
import type { Container, PodSpec } from './objects.ts';

/** An object of a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: object;
}

/** Objects that run pods, and where the API has them. */
const WITH_PODS = new Map([
  ['Deployment', '/apis/apps/v1'],
  ['StatefulSet', '/apis/apps/v1'],
  ['Job', '/apis/batch/v1'],
]);

interface WithPods {
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

/** Renders an overlay, as Tilt does. */
export async function renderOverlay(overlay: string): Promise<readonly Manifest[]> {
  const folder = fileURLToPath(new URL(`../../../kind/overlays/${overlay}`, import.meta.url));
  const yaml = await kubectl(['kustomize', '--load-restrictor=LoadRestrictionsNone', folder]);
  return parseAllDocuments(yaml).map((document): Manifest => document.toJS());
}

/** What `kubectl diff` says; empty when nothing differs. Images that Tilt built are taken to have the tag that it gave them. */
export async function differences(api: Api, manifests: readonly Manifest[]): Promise<string> {
  const items = await Promise.all(manifests.map((manifest) => withRunningImages(api, manifest)));
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const args = ['diff', '--server-side', '--force-conflicts', '--field-manager=countersign-suite', '--filename=-'];
  const { code, stdout, stderr } = await tryKubectl(args, { input });
  if (code !== 0 && code !== 1) throw new Error(`kubectl diff: exit ${code}: ${stderr}`);
  return stdout;
}

async function withRunningImages(api: Api, manifest: Manifest): Promise<Manifest> {
  const { kind, metadata } = manifest;
  const group = WITH_PODS.get(kind);
  if (group === undefined || !hasPods(manifest)) return manifest;
  const namespace = metadata.namespace ?? NAMESPACES.shop;
  const live = await api.get<WithPods>(`${group}/namespaces/${namespace}/${kind.toLowerCase()}s/${metadata.name}`);
  const running = new Map(live.spec.template.spec.containers.map(({ name, image }) => [name, image]));
  const { spec } = manifest;
  const containers = spec.template.spec.containers.map((container) => tagged(container, running.get(container.name)));
  return {
    ...manifest,
    spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } },
  };
}

function hasPods(manifest: Manifest): manifest is Manifest & WithPods {
  return manifest.spec !== undefined && 'template' in manifest.spec;
}

/** The same repository under another tag is what Tilt makes of it; another repository stays a difference. */
function tagged(container: Container, running = ''): Container {
  const names = [container.image, container.image.replaceAll('/', '_')];
  return names.some((name) => running.includes(`${name}:tilt-`)) ? { ...container, image: running } : container;
}
