/** The stand-in for Jaeger, named as one: Node, its few files, and the packages that they need. */
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { productionPackages } from '../../../scripts/image-packages.mjs';
import type { Image } from './docker-archive.ts';
import { createImageTree } from './image-tree.ts';
import { ciReference } from './references.ts';
import { addProgram } from './shared-libraries.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const HOME = '/jaeger-stand-in';

/** @param node the program */
export function jaegerStandInImage(node: string): Image {
  const tree = createImageTree();
  addProgram(tree, '/nodejs/bin/node', node);
  tree.folder(HOME, fileURLToPath(new URL('jaeger-stand-in', import.meta.url)), (path) => path.endsWith('.test.ts'));
  tree.text(posix.join(HOME, 'package.json'), '{"type":"module"}\n');
  for (const { folder, links } of productionPackages('node_modules/@countersign/otlp-receiver', root)) {
    tree.folder(posix.join(HOME, folder), join(root, folder), isLeftOut);
    for (const link of links) tree.symlink(posix.join(HOME, link), posix.relative(posix.dirname(link), folder));
  }
  tree.directory('/tmp', 0o1777);
  return {
    ref: ciReference('jaeger-stand-in', 'ci'),
    tree,
    config: { User: '10001:10001', Entrypoint: ['/nodejs/bin/node', posix.join(HOME, 'main.ts')] },
  };
}

/** What a package has for its own tests, and packages in its own folder, which come by themselves. */
function isLeftOut(path: string): boolean {
  return path.endsWith('.test.ts') || /^(?:node_modules|test)(?:\/|$)/.test(path);
}

/** npm's Node, pinned by the lock file. @param resolve of the repository's root */
export function packagedNode(resolve: NodeJS.RequireResolve): string {
  return join(dirname(resolve(`node-linux-${process.arch}/package.json`)), 'bin', 'node');
}
