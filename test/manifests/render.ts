/** Kustomizations, rendered by the real `kubectl kustomize`: an unknown field of theirs is an error of it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type KubeObject, parseObjects } from './objects.ts';

/** The root of the checkout. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** @param path from the root @throws {Error} with what kubectl says */
export function render(kubectl: string, path: string): readonly KubeObject[] {
  return parseObjects(renderText(kubectl, path), path);
}

/** The same as the text that kubectl gives. */
export function renderText(kubectl: string, path: string): string {
  const { status, stdout, stderr, error } = spawnSync(kubectl, ['kustomize', path], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${path}: kubectl kustomize: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** An overlay with a component that it does not have, as somebody would combine the two. */
export function renderWith(kubectl: string, overlay: string, component: string): readonly KubeObject[] {
  return parseObjects(renderTextWith(kubectl, overlay, component), `${overlay} with ${component}`);
}

/** The same as the text that kubectl gives. */
export function renderTextWith(kubectl: string, overlay: string, component: string): string {
  // Within the checkout, where git sees nothing of it: kustomize takes no absolute path.
  mkdirSync(join(root, '.countersign'), { recursive: true });
  const folder = mkdtempSync(join(root, '.countersign', 'kustomize-'));
  try {
    const [resources, components] = [overlay, component].map((path) => [relative(folder, join(root, path))]);
    const kind = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ ...kind, resources, components }));
    return renderText(kubectl, relative(root, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
