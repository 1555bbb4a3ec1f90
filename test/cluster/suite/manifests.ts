/** The manifests of an overlay, and how what runs differs from them. */
import { parseAllDocuments } from 'yaml';
import { renderText, renderTextWith } from '../../manifests/render.ts';
import type { Api } from './api.ts';
import { tryKubectl } from './kubectl.ts';
import { NAMESPACES } from './names.ts';
import type { Container, PodSpec } from './objects.ts';

/** The overlay that the cluster runs. */
export const OVERLAY = process.env['COUNTERSIGN_OVERLAY'] ?? 'dev';

/** What this suite is to the API server when it applies something. */
export const FIELD_MANAGER = 'countersign-suite';

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

/**
 * Images that only components name, as CI's node has them, where no registry is reached: docs/reference/cluster-test.md lists
 * them. Elsewhere they are pulled.
 */
const IMAGES_OF_CI: ReadonlyArray<readonly [named: RegExp, instead: string]> = [
  [/docker\.io\/envoyproxy\/envoy:distroless-v([\d.]+)/g, 'localhost/countersign-ci/envoy:$1'],
];

/** Renders the overlay that runs, as Tilt does. */
export function renderOverlay(): readonly Manifest[] {
  return parse(renderText('kubectl', `kind/overlays/${OVERLAY}`));
}

/** The same with a component of `kind/components` on top, as somebody would combine the two. */
export function renderOverlayWith(component: string): readonly Manifest[] {
  const text = renderTextWith('kubectl', `kind/overlays/${OVERLAY}`, `kind/components/${component}`);
  const replacements = OVERLAY === 'ci' ? IMAGES_OF_CI : [];
  return parse(replacements.reduce((changed, [named, instead]) => changed.replaceAll(named, instead), text));
}

/** Renders an example of `kind/examples`, which says nothing about the images that run here. */
export function renderExample(example: string): readonly Manifest[] {
  return parse(renderText('kubectl', `kind/examples/${example}`));
}

function parse(yaml: string): readonly Manifest[] {
  return parseAllDocuments(yaml).map((document): Manifest => document.toJS());
}

/** As `kubectl --filename -` takes them. */
export function listOf(manifests: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
}

/** What `kubectl diff` says; empty when nothing differs. Images that Tilt built are taken to have the tag that it gave them. */
export async function differences(api: Api, manifests: readonly Manifest[]): Promise<string> {
  const input = listOf(await withRunningImages(api, manifests));
  const args = ['diff', '--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`, '--filename=-'];
  const { code, stdout, stderr } = await tryKubectl(args, { input });
  if (code !== 0 && code !== 1) throw new Error(`kubectl diff: exit ${code}: ${stderr}`);
  return stdout;
}

/** The manifests with the images that run, where those are the same ones under the tags that Tilt gave them. */
export function withRunningImages(api: Api, manifests: readonly Manifest[]): Promise<readonly Manifest[]> {
  return Promise.all(manifests.map((manifest) => withRunningImage(api, manifest)));
}

async function withRunningImage(api: Api, manifest: Manifest): Promise<Manifest> {
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
