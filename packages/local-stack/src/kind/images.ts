/** Our images, from the Dockerfile that Tilt builds from, to the cluster's own registry. */
import { LocalStackError } from '../errors.ts';
import { runProgram, showProgram } from './run-program.ts';

/** The registry beside the cluster, as this machine and the node know it. */
const registry = 'localhost:5001';
const OURS = /^(?:docker\.io\/)?(countersign\/([a-z-]+))(?::[^:/]+)?$/;

/** Whether an image of the manifests is one that we build. */
export function isOurs(image: string): boolean {
  return OURS.test(image);
}

/** Builds and pushes one. @returns its reference, which is another one when and only when its content is */
export async function pushImage(image: string, root: string): Promise<string> {
  const [, name, service] = OURS.exec(image) ?? [];
  if (name === undefined || service === undefined)
    throw new LocalStackError('CLUSTER_FAILED', `${JSON.stringify(image)} is none of our images`);
  const local = `${name}:checkout`;
  await showProgram('docker', ['build', '--build-arg', `SERVICE=${service}`, '--tag', local, root]);
  const id = await runProgram('docker', ['image', 'inspect', '--format', '{{.Id}}', local]);
  const pushed = `${registry}/${name}:${id
    .trim()
    .replace(/^sha256:/, '')
    .slice(0, 16)}`;
  await runProgram('docker', ['tag', local, pushed]);
  await showProgram('docker', ['push', '--quiet', pushed]);
  return pushed;
}
