/**
 * The program with one claim broken on purpose: where an experiment attacks backend stands a server that checks less. What
 * it proves is that `npm run prove` turns red. `PLANTED` says what is broken.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { spireFromEnv } from '@countersign/local-stack';
import { createSpiffeHttpsServer, dangerouslyAuthorizeAnyPeer } from '@countersign/spiffe-tls';
import { propertyOf } from './experiment.ts';
import { experiments } from './experiments.ts';
import type { Lab } from './lab.ts';
import { isChosen, parseCommandLine } from './options.ts';
import { prove } from './run.ts';

const { only, effort, reportFolder } = parseCommandLine(process.argv.slice(2), process.env);
const proven = await prove({
  experiments: experiments.filter((experiment) => isChosen(only, experiment.id, propertyOf(experiment))),
  ...{ effort, reportFolder, spire: spireFromEnv(process.env), env: process.env },
  print: console.log,
  change: process.env['PLANTED'] === 'nothing' ? (lab) => lab : (lab) => withoutChecks(lab),
});
process.exit(proven ? 0 : 1);

/** Backend's identity, and an answer of 201 to every caller and every link, as often as it comes. */
async function withoutChecks(lab: Lab): Promise<Lab> {
  const source = await lab.sourceAs('backend');
  const server = createSpiffeHttpsServer({ source, authorize: dangerouslyAuthorizeAnyPeer() }, (_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ...lab, targets: { ...lab.targets, backendHttps: { ...lab.targets.backendHttps, address } } };
}
