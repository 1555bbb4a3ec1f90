/** What stands beside the objects: Helm values, kind's configuration, two overlays that must be one system. Each fault is planted and found. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CHARTS, chartKeyFaults, chartVersionFaults, chartVersions, driverKeyFaults } from './chart-values.ts';
import { formatFinding } from './findings.ts';
import { fixtureWorld } from './fixture.ts';
import { mergeValues } from './helm-values.ts';
import { asJson, at, type Json, textListAt, withValue } from './json.ts';
import { kindClusterFaults } from './kind-cluster.ts';
import { parseYaml } from './objects.ts';
import { overlayFaults, replacementsOf } from './overlay-difference.ts';
import { edit } from './plant.ts';
import { root } from './render.ts';

describe("the chart's values", () => {
  const values = fixtureWorld().spireValues;
  const faults = (path: readonly string[], to: Json) =>
    chartKeyFaults(withValue(values, path, to), 'values.yaml').map(formatFinding);

  it('accepted', () => assert.deepEqual(chartKeyFaults(values, 'values.yaml'), []));

  for (const [title, path, to] of [
    ['a misspelt key', ['spire-server', 'defaultX509SvidTtl'], '1h'],
    ['a key in the wrong place', ['global', 'trustDomain'], 'example.org'],
    ['a mapping where a value should be', ['spire-server', 'caTTL'], { hours: 24 }],
    [
      'a misspelt key of an identity',
      ['spire-server', 'controllerManager', 'identities', 'clusterSPIFFEIDs', 'backend', 'jwtTtl'],
      '5m',
    ],
    ['a misspelt chart', ['spire-agents', 'logLevel'], 'info'],
    ['a key that says nothing', ['spire-server', 'persistance'], {}],
  ] as const) {
    it(`refused: ${title}`, () => {
      assert.match(faults(path, asJson(to)).join('\n'), new RegExp(`^chart-key: values\\.yaml: "${path.join('.')}`));
    });
  }

  it("refused: a key that csi-driver-spiffe's chart has not", () => {
    const found = driverKeyFaults(
      asJson({ app: { trustDomain: 'a', driver: { sourceCABundles: '/a' } } }),
      'values.yaml',
    );
    assert.match(found.map(formatFinding).join(), /"app\.driver\.sourceCABundles" is no documented key/);
    assert.equal(found.length, 1);
  });

  it('are put together as Helm does', () => {
    const first = { a: { b: 1, c: [1, 2], d: 1 }, e: 1 };
    const second = { a: { b: 2, c: [3], d: null }, f: { g: 1 } };
    assert.deepEqual(mergeValues(first, second), { a: { b: 2, c: [3] }, e: 1, f: { g: 1 } });
  });
});

describe('versions of the charts', () => {
  it('are found where people write them', () => {
    const text = [
      '  helm upgrade --install --version 0.6.0 spire-crds spire-crds',
      '  helm upgrade --version 0.30.0 --timeout 10m --values values.yaml spire spire',
      'Values of the chart `spire` 0.30.0, after spire-crds 0.6.0. SPIRE 1.15.3 is another thing.',
    ].join('\n');
    assert.deepEqual(
      chartVersions(text)
        .map(({ chart, version }) => `${chart} ${version}`)
        .sort(),
      ['spire 0.30.0', 'spire 0.30.0', 'spire-crds 0.6.0', 'spire-crds 0.6.0'],
    );
    assert.deepEqual(chartVersionFaults(text, 'install.sh'), []);
  });

  it('refused: another one', () => {
    const found = chartVersionFaults('the chart spire 0.29.0 and spire-crds@0.5.0', 'README.md').map(formatFinding);
    assert.equal(found.length, 2);
    assert.match(found.join('\n'), new RegExp(`chart spire is ${CHARTS['spire']} elsewhere, got 0\\.29\\.0`));
  });
});

describe("kind's configuration", () => {
  const digest = 'a'.repeat(64);
  const port = { containerPort: 30080, hostPort: 8080, listenAddress: '127.0.0.1' };
  const cluster = asJson({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    name: 'test',
    nodes: [{ role: 'control-plane', image: `kindest/node:v1.36.1@sha256:${digest}`, extraPortMappings: [port] }],
  });
  const faults = (path: readonly (string | number)[], to: Json) =>
    kindClusterFaults(withValue(cluster, path, to), 'cluster.yaml')
      .map(formatFinding)
      .join('\n');

  it('accepted', () => assert.deepEqual(kindClusterFaults(cluster, 'cluster.yaml'), []));

  it('refused: a port twice', () => {
    const twice = asJson([port, { ...port, containerPort: 30081 }]);
    assert.match(faults(['nodes', 0, 'extraPortMappings'], twice), /host-port-once: cluster\.yaml: hostPort 8080\/TCP/);
  });

  it('refused: a port for everybody', () => {
    assert.match(faults(['nodes', 0, 'extraPortMappings', 0, 'listenAddress'], '0.0.0.0'), /host-port-loopback/);
  });

  it('refused: another Kubernetes', () => {
    assert.match(faults(['nodes', 0, 'image'], `kindest/node:v1.35.4@sha256:${digest}`), /kubernetes-version/);
  });

  it('refused: an image that may change', () => {
    assert.match(
      faults(['nodes', 0, 'image'], 'kindest/node:v1.36.1'),
      /schema: cluster\.yaml: nodes\.0\.image must match/,
    );
  });

  it('refused: an unknown field', () => {
    assert.match(faults(['nodes', 0, 'extraPorts'], []), /unknown field nodes\.0\.extraPorts/);
  });
});

describe('an overlay that is another one with other images', () => {
  const { objects: dev } = fixtureWorld();
  const container = ['spec', 'template', 'spec', 'containers', 0];
  const replacements = [{ from: 'docker.io/library/postgres:18-bookworm', to: 'localhost/postgres:18' }];
  const world = { ...fixtureWorld(), objects: dev };
  const ci = edit(world, 'StatefulSet', 'postgres', [...container, 'image'], 'localhost/postgres:18');

  it('accepted', () => assert.deepEqual(overlayFaults(dev, ci.objects, replacements), []));

  it('refused: an image that is not listed', () => {
    const other = edit(ci, 'Deployment', 'backend', [...container, 'image'], 'localhost/backend:1');
    assert.match(
      overlayFaults(dev, other.objects, replacements).map(formatFinding).join(),
      /overlay-difference: Deployment apps\/backend: .*image differs/,
    );
  });

  it('refused: anything else', () => {
    const other = edit(ci, 'Deployment', 'backend', [...container, 'securityContext', 'privileged'], true);
    assert.match(
      overlayFaults(dev, other.objects, replacements).map(formatFinding).join(),
      /privileged differs: nothing and true/,
    );
    assert.match(overlayFaults(dev, ci.objects.slice(1), replacements).map(formatFinding).join(), /the object differs/);
  });

  it('refused: a replacement that nothing needs', () => {
    assert.match(overlayFaults(dev, dev, replacements).map(formatFinding).join(), /nothing uses it/);
  });

  it('replacements are read as kustomize reads them', () => {
    const images = asJson({
      images: [
        { name: 'a.example/b', newName: 'c', newTag: '1' },
        { name: 'd', newTag: '2' },
      ],
    });
    assert.deepEqual(replacementsOf(images, ['a.example/b:7', 'd:1']), [
      { from: 'a.example/b:7', to: 'c:1' },
      { from: 'd:1', to: 'd:2' },
    ]);
  });
});

describe('YAML', () => {
  for (const [title, text] of [
    ['a key twice', 'a: 1\na: 2\n'],
    ['a tab', 'a:\n\tb: 1\n'],
    ['an open quote', 'a: "b\n'],
  ] as const) {
    it(`refused: ${title}`, () => assert.throws(() => parseYaml(text, 'a.yaml'), /^Error: a\.yaml: /));
  }
});

describe("the Collector's second file", () => {
  const pipelinesOf = (path: string): Json | undefined => {
    const [configuration] = parseYaml(readFileSync(join(root, path), 'utf8'), path);
    return at(configuration, 'service', 'pipelines');
  };
  const first = pipelinesOf('packages/telemetry/collector/otel-collector.yaml');
  const second = pipelinesOf('kind/components/console/otel-collector-console.yaml');

  for (const signal of ['traces', 'metrics', 'logs'])
    it(`sends ${signal} where the first one does, and to the console`, () => {
      const expected = [...textListAt(first, signal, 'exporters'), 'otlp_http/console'];
      assert.deepEqual(at(second, signal), { exporters: expected });
    });
});
