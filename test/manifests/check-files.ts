/** What can be asked of the files as they are: kind's configuration, Helm values, the versions that they name. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHARTS, chartKeyFaults, chartVersionFaults, chartVersions, driverKeyFaults } from './chart-values.ts';
import { customResources } from './cluster-spiffe-ids.ts';
import type { Part } from './findings.ts';
import { readValues } from './helm-values.ts';
import { kindClusterFaults } from './kind-cluster.ts';
import { parseObjects, parseYaml } from './objects.ts';
import { root } from './render.ts';
import { schemaFaults } from './schemas/schema-check.ts';
import { readSurroundings } from './systems.ts';

const VALUES = ['kind/spire/*.yaml', 'kind/examples/*/values.yaml'];
const DRIVER_VALUES = 'kind/examples/csi-driver-spiffe/driver-values.yaml';
const NAMING_VERSIONS = [
  'README.md',
  'docs/**/*.md',
  '.github/**/*.{yml,yaml}',
  '{kind,tilt,test/cluster}/**/*.{sh,md,yaml,ts,Tiltfile}',
];

export function* checkFiles(): Generator<Part> {
  const cluster = 'kind/cluster.yaml';
  const [configuration = {}] = parseYaml(readFileSync(join(root, cluster), 'utf8'), cluster);
  yield { title: cluster, findings: kindClusterFaults(configuration, cluster) };

  const values = globSync(VALUES, { cwd: root }).sort();
  const findings = values.flatMap((file) => chartKeyFaults(readValues(join(root, file)), file));
  const ofDriver = driverKeyFaults(readValues(join(root, DRIVER_VALUES)), DRIVER_VALUES);
  yield { title: `Helm values: ${values.length + 1} files`, findings: [...findings, ...ofDriver] };

  const texts = globSync(NAMING_VERSIONS, { cwd: root, exclude: ['**/node_modules/**'] }).map((file) => ({
    file,
    text: readFileSync(join(root, file), 'utf8'),
  }));
  const named = texts.flatMap(({ text }) => chartVersions(text));
  const unnamed = Object.keys(CHARTS).filter((chart) => !named.some((one) => one.chart === chart));
  yield {
    title: `charts: ${named.length} versions named`,
    findings: [
      ...texts.flatMap(({ file, text }) => chartVersionFaults(text, file)),
      ...unnamed.map((chart) => ({ rule: 'chart-version', object: chart, says: 'no file names a version of it' })),
    ],
  };

  const identities = customResources(readSurroundings());
  yield { title: `ClusterSPIFFEIDs of the values: ${identities.length}`, findings: schemaFaults(identities) };

  const ofTests = globSync('test/cluster/*/manifests/*.yaml', { cwd: root }).sort();
  const objects = ofTests.flatMap((file) => parseObjects(readFileSync(join(root, file), 'utf8'), file));
  yield { title: `what the tests' cluster has beside them (${objects.length})`, findings: schemaFaults(objects) };
}
