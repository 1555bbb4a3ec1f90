/** The bill of materials says what is in the image: no package more, none less. Needs what service-image.test.ts needs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { namesBelow } from './image-tree.ts';
import { buildServiceImage, type ServiceImage } from './service-image.ts';

const script = fileURLToPath(new URL('../../../scripts/sbom.mjs', import.meta.url));
/** A package's own manifest, not one that lies in its tests. */
const MANIFEST =
  /^app\/(?:(?:packages|services)\/[^/]+|policies|(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/@]+)\/package\.json$/;
const OF_A_TEST = /node_modules\/[^/]+\/(?:test|fixtures)\//;

interface CycloneDx {
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly { readonly purl: string; readonly licenses?: readonly unknown[] }[];
}
interface Spdx {
  readonly name: string;
  readonly packages: readonly { readonly externalRefs?: readonly { readonly referenceLocator: string }[] }[];
}

function billOf(service: string, format: string): string {
  return execFileSync(process.execPath, [script, service, format], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

function packagesIn(image: ServiceImage, service: string): string[] {
  const manifests = namesBelow(image.root).filter((name) => MANIFEST.test(name) && !OF_A_TEST.test(name));
  const found = manifests
    .filter((name) => name !== `app/services/${service}/package.json`)
    .map((name): { name: string; version: string } => JSON.parse(readFileSync(join(image.root, name), 'utf8')));
  return [...new Set(found.map(({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`))].sort();
}

for (const service of ['backend', 'db-client'])
  test(`${service}: CycloneDX and SPDX name exactly the packages of the image`, () => {
    using image = buildServiceImage(service);
    const installed = packagesIn(image, service);
    assert.ok(installed.length > 100, String(installed.length));

    const cyclonedx: CycloneDx = JSON.parse(billOf(service, 'cyclonedx'));
    assert.equal(cyclonedx.metadata.component.name, service);
    assert.deepEqual([...new Set(cyclonedx.components.map(({ purl }) => purl))].sort(), installed);

    const spdx: Spdx = JSON.parse(billOf(service, 'spdx'));
    const locators = spdx.packages.flatMap(({ externalRefs = [] }) => externalRefs.map((ref) => ref.referenceLocator));
    const own = `pkg:npm/%40countersign/${service}@`;
    assert.deepEqual([...new Set(locators)].filter((locator) => !locator.startsWith(own)).sort(), installed);
  });

test('a service that is not there, or a format that is none, is refused', () => {
  for (const args of [[], ['backend', 'xml']])
    assert.throws(
      () => execFileSync(process.execPath, [script, ...args], { stdio: 'pipe' }),
      /usage: node scripts\/sbom/,
    );
  assert.throws(() => execFileSync(process.execPath, [script, 'nobody'], { stdio: 'pipe' }), /services\/nobody/);
});
