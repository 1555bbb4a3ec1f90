/**
 * The images of the services, built from the repository's Dockerfile and started without a cluster: what is in them, what is
 * not, that building twice gives the same, and that they start confined and fail closed. Needs root on Linux, buildah and bwrap.
 */
import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startDevTrustDomain } from '@countersign/dev-trust-domain';
import { loadIdentities } from '@countersign/identities';
import { startConfined } from './confined-process.ts';
import { namesBelow } from './image-tree.ts';
import { buildServiceImage, type ServiceImage } from './service-image.ts';

const SERVICES = ['customer', 'backend', 'db-client'];
const LIMIT_MB = 200;
const SHELLS_AND_TOOLS =
  /^(sh|bash|dash|ash|zsh|busybox|env|npm|npx|corepack|yarn|pnpm|apt|apt-get|dpkg|apk|tar|curl|wget|cc|gcc|make|git|perl|python3?)$/;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const identities = loadIdentities();
const images = new Map(SERVICES.map((service) => [service, buildServiceImage(service)]));
after(() => {
  for (const image of images.values()) image[Symbol.dispose]();
});

function imageOf(service: string): ServiceImage {
  const image = images.get(service);
  assert.ok(image);
  return image;
}

/** Every name in an image with its path from the root. */
function namesIn(image: ServiceImage): string[] {
  return namesBelow(image.root);
}

/** What a service needs to start, to be overwritten. */
function environmentOf(service: string): Record<string, string> {
  const idOf = (name: string) => identities.workload(name).spiffeId;
  const own: Readonly<Record<string, Record<string, string>>> = {
    customer: { HTTP_ADDRESS: '127.0.0.1:0', BACKEND_SPIFFE_ID: idOf('backend') },
    backend: { HTTPS_ADDRESS: '127.0.0.1:0', GRPC_ADDRESS: '127.0.0.1:0', DB_CLIENT_SPIFFE_ID: idOf('db-client') },
    'db-client': { GRPC_ADDRESS: '127.0.0.1:0', POSTGRES_SPIFFE_ID: idOf('postgres') },
  };
  return { SPIFFE_ENDPOINT_SOCKET: 'unix:///run/spiffe/api.sock', ...own[service] };
}

for (const service of SERVICES)
  describe(`the image of ${service}`, () => {
    it('starts as 1000:1000 with Node as its first process', () => {
      const { User, Entrypoint, Cmd, WorkingDir } = imageOf(service).config;
      assert.deepEqual(
        { User, Entrypoint, Cmd, WorkingDir },
        {
          User: '1000:1000',
          Entrypoint: ['/nodejs/bin/node'],
          Cmd: ['src/main.ts'],
          WorkingDir: `/app/services/${service}`,
        },
      );
    });

    it(`is smaller than ${LIMIT_MB} MB`, (context) => {
      const image = imageOf(service);
      const sizes = namesIn(image).map((name) => lstatSync(join(image.root, name)));
      const megabytes = sizes.reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0) / 1e6;
      context.diagnostic(`${megabytes.toFixed(1)} MB`);
      assert.ok(megabytes < LIMIT_MB, `${megabytes} MB`);
    });

    it('has no shell, no package manager and no build tool', () => {
      const names = namesIn(imageOf(service));
      assert.ok(names.includes('nodejs/bin/node'));
      const programs = names.filter((name) => /(^|\/)s?bin$/.test(dirname(name)) || dirname(name) === '.');
      assert.deepEqual(
        programs.filter((name) => SHELLS_AND_TOOLS.test(posix.basename(name))),
        [],
      );
      assert.deepEqual(
        names.filter((name) => /node_modules\/(typescript|turbo|npm|@biomejs)$/.test(name)),
        [],
      );
    });

    it('adds nothing to its base but what is below /app, of this service and what it needs', () => {
      const [, ...own] = imageOf(service).names;
      assert.deepEqual(
        own.flat().filter((name) => !/^(\.\/?|\.?\/?app\/.*|\.?\/?app)$/.test(name)),
        [],
      );
      const at = join(imageOf(service).root, 'app');
      assert.deepEqual(readdirSync(join(at, 'services')), [service]);
      const development = /^(testkit|dev-trust-domain|local-stack|identities)$/;
      assert.deepEqual(
        readdirSync(join(at, 'packages')).filter((name) => development.test(name)),
        [],
      );
      assert.deepEqual(
        namesIn(imageOf(service)).filter((name) => /^app\/(packages|services)\/.*\.test\.ts$/.test(name)),
        [],
      );
    });

    it('has only links that lead somewhere', () => {
      const { root: at } = imageOf(service);
      const links = namesIn(imageOf(service)).filter(
        (name) => name.startsWith('app/') && lstatSync(join(at, name)).isSymbolicLink(),
      );
      assert.ok(links.length >= 8, links.join(' '));
      for (const link of links)
        assert.ok(lstatSync(join(at, dirname(link), readlinkSync(join(at, link)))).isDirectory(), link);
    });

    it('keeps nothing of how it was built: no key, no configuration of a registry, no path of this machine', () => {
      const image = imageOf(service);
      const names = namesIn(image);
      assert.deepEqual(
        names.filter((name) => /(^|\/)(\.npmrc|\.git|\.env|npm-ca|id_[a-z0-9]+)$/.test(name)),
        [],
      );
      const added = names.filter((name) => name.startsWith('app/') && lstatSync(join(image.root, name)).isFile());
      const told =
        /-----BEGIN (RSA |EC |ENCRYPTED )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{60,}|_authToken|NODE_EXTRA_CA_CERTS=/;
      const offenders = added.filter((name) => {
        const text = readFileSync(join(image.root, name), 'latin1');
        return told.test(text) || text.includes(root);
      });
      assert.deepEqual(offenders, []);
      for (const word of [root, 'cafile', 'registry=', 'NODE_EXTRA_CA_CERTS'])
        assert.ok(!image.document.includes(word), word);
    });

    it('fails closed without SPIFFE_ENDPOINT_SOCKET, and says so', async () => {
      const { SPIFFE_ENDPOINT_SOCKET: _, ...env } = environmentOf(service);
      await using running = await startConfined(imageOf(service), { env });
      const { code, problems } = await running.event('failed');
      assert.equal(code, 'CONFIG_INVALID');
      assert.match(JSON.stringify(problems), /SPIFFE_ENDPOINT_SOCKET is required/);
      assert.equal(await running.exited, 1);
    });

    it('is alive and not ready while no Workload API answers, and ends on SIGTERM as process 1', async () => {
      const env = { ...environmentOf(service), HEALTH_ADDRESS: '127.0.0.1:0' };
      await using running = await startConfined(imageOf(service), { env });
      const health = healthOf(await running.event('listening'));
      assert.equal((await fetch(`http://${health}/healthz`)).status, 200);
      const ready = await fetch(`http://${health}/readyz`);
      assert.equal(ready.status, 503);
      assert.match(await ready.text(), /identity/);
      running.kill('SIGTERM');
      await running.event('stopped');
      assert.equal(await running.exited, 0);
    });

    it('gets its identity on a read-only root and without a capability', async () => {
      await using domain = await trustDomain();
      const mounts = { '/run/spiffe': dirname(domain.socketOf(service).replace('unix://', '')) };
      await using running = await startConfined(imageOf(service), { env: environmentOf(service), mounts });
      const identity = JSON.stringify(await running.event('identity'));
      assert.ok(identity.includes(`"${identities.workload(service).spiffeId}"`), identity);
      // What else it needs to be ready is in the image, but for db-client, whose database is not.
      if (service !== 'db-client') await running.event('ready');
    });
  });

describe('what confines an image here', () => {
  it('is what is said: a read-only root, no capability, another user', async () => {
    const script = `
      const { readFileSync, writeFileSync } = require('node:fs');
      const refused = (path) => { try { writeFileSync(path, 'x'); return 'written'; } catch ({ code }) { return code; } };
      const status = readFileSync('/proc/self/status', 'utf8');
      const [, capabilities] = /CapEff:\\t(\\w+)/.exec(status);
      console.log(JSON.stringify({ event: 'seen', pid: process.pid, uid: process.getuid(), capabilities, app: refused('/app/x'), root: refused('/x') }));`;
    await using running = await startConfined(imageOf('backend'), { args: ['-e', script] });
    const { event: _, ...seen } = await running.event('seen');
    assert.deepEqual(seen, { pid: 1, uid: 1000, capabilities: '0000000000000000', app: 'EROFS', root: 'EROFS' });
  });
});

it('building anew, from nothing, gives the same image', () => {
  const storage = mkdtempSync(join(tmpdir(), 'countersign-image-storage-'));
  try {
    using again = buildServiceImage('backend', storage);
    assert.deepEqual(again.layers, imageOf('backend').layers);
    assert.equal(again.id, imageOf('backend').id);
  } finally {
    rmSync(storage, { recursive: true, force: true });
  }
});

async function trustDomain() {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-image-domain-'));
  const { trustDomain } = identities;
  const registrations = identities.registrations();
  const domain = await startDevTrustDomain({ trustDomain, runDirectory: directory, registrations });
  return {
    socketOf: (workload: string) => domain.socketOf(workload),
    [Symbol.asyncDispose]: async () => {
      await domain.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function healthOf({ addresses }: Readonly<Record<string, unknown>>): string {
  if (typeof addresses !== 'object' || addresses === null || !('health' in addresses))
    throw new TypeError('no address');
  return String(addresses.health);
}
