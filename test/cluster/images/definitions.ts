/**
 * The images that the node needs and no registry is there to ask for. Programs are taken from PATH; users, entry points and
 * paths are those of the images that they stand for, so that the same manifests fit.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Image, ImageConfig } from './docker-archive.ts';
import { createImageTree } from './image-tree.ts';
import { ciReference } from './references.ts';
import { addProgram } from './shared-libraries.ts';

/** An image that is one program. */
interface ProgramImage {
  readonly name: string;
  readonly tag: string;
  /** As it is called on PATH. */
  readonly program: string;
  /** Where it is in the image, and its entry point. */
  readonly path: string;
  readonly user?: string;
  readonly arguments?: readonly string[];
}

const PROGRAMS: readonly ProgramImage[] = [
  // The node's own, and SPIRE's, which manifests of ours name.
  { name: 'pause', tag: 'ci', program: 'pause', path: '/pause', user: '65535:65535' },
  { name: 'coredns', tag: 'ci', program: 'coredns', path: '/coredns', user: '65532:65532' },
  {
    name: 'spire-server',
    tag: 'ci',
    program: 'spire-server',
    path: '/opt/spire/bin/spire-server',
    user: '1000:1000',
    arguments: ['run'],
  },
  { name: 'spire-agent', tag: 'ci', program: 'spire-agent', path: '/opt/spire/bin/spire-agent', arguments: ['run'] },
  {
    name: 'spire-controller-manager',
    tag: 'ci',
    program: 'spire-controller-manager',
    path: '/spire-controller-manager',
    user: '1000:1000',
  },
  { name: 'csi-driver', tag: 'ci', program: 'csi-driver', path: '/csi-driver' },
  // Those of `kind/`, under the versions that it names.
  { name: 'spiffe-helper', tag: '0.11.0', program: 'spiffe-helper', path: '/spiffe-helper' },
  {
    name: 'otel-collector',
    tag: '0.165.0',
    program: 'otelcol-contrib',
    path: '/otelcol-contrib',
    user: '10001:10001',
    arguments: ['--config', '/etc/otelcol-contrib/config.yaml'],
  },
  { name: 'envoy', tag: '1.40.0', program: 'envoy', path: '/usr/local/bin/envoy', user: '101:101' },
];

/** Names of the images that are one program. */
export const programNames = PROGRAMS.map(({ name }) => name);

/** One of {@link programNames}. @throws {Error} when the program is not on PATH */
export function programImage(name: string, searched: string): Image {
  const found = PROGRAMS.find((image) => image.name === name);
  if (found === undefined) throw new TypeError(`image: there is none called "${name}"`);
  const { tag, program, path, user, arguments: args } = found;
  const tree = createImageTree();
  addProgram(tree, path, findOnPath(program, searched));
  tree.text('/etc/passwd', 'root:x:0:0::/:/none\nnobody:x:65534:65534::/:/none\n');
  tree.text('/etc/group', 'root:x:0:\nnobody:x:65534:\n');
  tree.text('/etc/nsswitch.conf', 'hosts: files dns\n');
  tree.directory('/tmp', 0o1777);
  const config: ImageConfig = {
    Entrypoint: [path],
    ...(user === undefined ? {} : { User: user }),
    ...(args === undefined ? {} : { Cmd: args }),
  };
  return { ref: ciReference(name, tag), tree, config };
}

function findOnPath(program: string, searched: string): string {
  for (const folder of searched.split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // In the next folder, perhaps.
    }
  }
  throw new Error(`image: ${program} is not on PATH`);
}
