/**
 * The cluster without Tilt: `up`, `open`, `down`. What the scripts under `kind/` do is theirs; here is the order in which
 * it is done.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { loadIdentities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import { type ClusterActions, clusterActions, type Printer } from './cluster-actions.ts';
import { edgePort } from './edge.ts';
import { imagesIn, withImages } from './extras.ts';
import { isOurs, pushImage } from './images.ts';
import { objectsAt, textAt } from './json.ts';
import { createKubectl, type Kubectl, program as kubectlProgram } from './kubectl.ts';
import { forwardPort } from './port-forward.ts';
import { showProgram } from './run-program.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
/** Where these pages are, in their pods and here. */
const [consolePort, jaegerPort] = [8090, 16686];
const observability = 'observability';

/** Everything, from nothing; what is there already is left as it is or brought up to date. */
export async function up(printer: Printer): Promise<void> {
  const kubectl = createKubectl();
  const actions = clusterActions(printer, kubectl);
  const step = (title: string) => printer.print(`\n== ${title}`);
  step('registry and cluster');
  await showProgram('bash', [`${root}kind/up.sh`]);
  step('SPIRE');
  await showProgram('bash', [`${root}kind/spire/install.sh`]);
  await actions.identities();
  step('images');
  const manifest = await kubectl.run(['kustomize', `${root}kind/overlays/dev`]);
  const pushed = new Map<string, string>();
  for (const image of imagesIn(manifest).filter(isOurs)) pushed.set(image, await pushImage(image, root));
  step('services');
  await apply(kubectl, withImages(manifest, pushed));
  await untilRolledOut(kubectl);
  await smoke(actions, printer);
}

async function apply(kubectl: Kubectl, manifest: string): Promise<void> {
  const { namespace } = loadIdentities();
  // A Job can't be changed; the migration runs again, and finds nothing to do where there is nothing.
  await kubectl.run(['delete', 'job', 'db-migrate', '-n', namespace, '--ignore-not-found', '--wait']);
  await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifest);
}

async function untilRolledOut(kubectl: Kubectl): Promise<void> {
  const { namespace } = loadIdentities();
  for (const where of [observability, namespace]) {
    const found = objectsAt(await kubectl.get(['statefulsets,deployments,jobs', '-n', where]), 'items');
    for (const item of found) {
      const name = `${textAt(item, 'kind').toLowerCase()}/${textAt(item, 'metadata', 'name')}`;
      const wait = name.startsWith('job/') ? ['wait', '--for=condition=complete', name] : ['rollout', 'status', name];
      await showProgram(kubectlProgram, kubectl.arguments([...wait, '-n', where, '--timeout=300s']));
    }
  }
}

async function smoke(actions: ClusterActions, { print }: Printer): Promise<void> {
  await actions.smoke();
  print(`\nready. npm run kind -- open   # http://127.0.0.1:${edgePort}, until Ctrl-C`);
}

/** The page, the console and Jaeger at the ports that Tilt gives them, for as long as this runs. */
export async function open({ print }: Pick<Printer, 'print'>): Promise<void> {
  const { namespace } = loadIdentities();
  await using customer = await forwardPort({
    namespace,
    target: 'deploy/customer',
    port: edgePort,
    localPort: edgePort,
  });
  await using watching = await forwardPort({
    namespace: observability,
    target: 'deploy/console',
    port: consolePort,
    localPort: consolePort,
  });
  await using jaeger = await forwardPort({
    namespace: observability,
    target: 'deploy/jaeger',
    port: jaegerPort,
    localPort: jaegerPort,
  });
  print(
    [
      `customer  http://127.0.0.1:${customer.port}`,
      `console   http://127.0.0.1:${watching.port}`,
      `Jaeger    http://127.0.0.1:${jaeger.port}`,
      'until Ctrl-C',
    ].join('\n'),
  );
  const asked = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const ended = Promise.race([customer.ended, watching.ended, jaeger.ended]).then(() => {
    throw new LocalStackError(
      'CLUSTER_FAILED',
      'a port forward ended: its pod was replaced, or the cluster stopped; run it again',
    );
  });
  await Promise.race([asked, ended]);
  // Ours to end from here on.
  ended.catch(() => {});
}

/** Idempotent. */
export async function down(): Promise<void> {
  await showProgram('bash', [`${root}kind/down.sh`]);
}

/** The suite of `npm run test:cluster`, on the cluster that is there. */
export async function testCluster(): Promise<void> {
  const options = ['--test', '--test-concurrency=1', '--import=@countersign/testkit/leak-check'];
  await showProgram(process.execPath, [...options, 'test/cluster/*.test.ts'], root);
}
