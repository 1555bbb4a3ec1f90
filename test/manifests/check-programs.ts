/** The same manifests, as programs of others judge them; and each of those, given something that it must not like. */
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { definitionFaults } from './custom-definitions.ts';
import { applyExceptions, SCORE_EXCEPTIONS } from './exceptions.ts';
import type { Finding, Part } from './findings.ts';
import { fixtureWorld } from './fixture.ts';
import { type Json, listAt, textAt } from './json.ts';
import type { KubeObject } from './objects.ts';
import { edit } from './plant.ts';
import {
  evaluated,
  inFolder,
  linted,
  schemasCurrent,
  scored,
  shellFaults,
  type TiltOptions,
  type Tools,
  validated,
} from './programs.ts';
import { render, root } from './render.ts';
import { foldersOf, type Surroundings } from './systems.ts';

/** As people start it, as CI does, and with live update. */
const WAYS: readonly TiltOptions[] = [
  {},
  { args: ['--live-update'] },
  { env: { COUNTERSIGN_OVERLAY: 'ci', COUNTERSIGN_IMAGE_BUILD: 'true', COUNTERSIGN_SPIRE_INSTALL: 'true' } },
];

/** Those that bring a cluster up, ours and people's, run in it, or run all of this. */
const SCRIPTS = ['{kind,test/cluster}/**/*.sh', '.ci/run'];

export function* checkWithPrograms(tools: Tools, surroundings: Surroundings): Generator<Part> {
  for (const overlay of foldersOf('kind/overlays')) {
    yield { title: `${overlay}: kubernetes-validate, kube-score`, findings: judged(tools, overlay) };
  }
  yield { title: 'Dockerfile: hadolint', findings: linted(tools, 'Dockerfile') };
  const scripts = globSync(SCRIPTS, { cwd: root }).sort();
  yield { title: `shell scripts: shellcheck (${scripts.length})`, findings: shellFaults(tools, scripts) };
  yield { title: 'schemas: as their source has them', findings: schemasCurrent(tools) };
  yield { title: "custom resources: SPIRE's own definitions", findings: definitionFaults(tools['crds'] ?? '') };
  yield {
    title: `Tiltfile: read by Tilt in ${WAYS.length} ways, and refused for another cluster`,
    findings: tiltfileFaults(tools, surroundings),
  };
  yield { title: 'each program finds a planted fault', findings: blindPrograms(tools) };
}

function judged(tools: Tools, overlay: string): readonly Finding[] {
  const findings = ofManifest(tools, render(tools['kubectl'] ?? '', overlay));
  return applyExceptions(overlay, findings, SCORE_EXCEPTIONS);
}

function ofManifest(tools: Tools, objects: readonly KubeObject[]): readonly Finding[] {
  return inFolder((folder) => {
    const file = join(folder, 'manifest.yaml');
    writeFileSync(file, objects.map(({ body }) => JSON.stringify(body)).join('\n---\n'));
    return [...validated(tools, file), ...scored(tools, file)];
  });
}

function tiltfileFaults(tools: Tools, surroundings: Surroundings): readonly Finding[] {
  const elsewhere = evaluated(tools, 'Tiltfile', { context: 'kind-another' });
  const refused = elsewhere.findings.length > 0;
  return [
    ...WAYS.flatMap((way) => wayFaults(evaluated(tools, 'Tiltfile', way), surroundings)),
    ...(refused ? [] : [{ rule: 'tiltfile', object: 'Tiltfile', says: 'it takes any cluster of kind for its own' }]),
  ];
}

/** Every service's image is built, under the name that manifests have for it, and everything is deployed. */
function wayFaults(
  { findings, result }: ReturnType<typeof evaluated>,
  { builtImages }: Surroundings,
): readonly Finding[] {
  if (findings.length > 0) return findings;
  const finding = (says: string): Finding => ({ rule: 'tiltfile', object: 'Tiltfile', says });
  const manifests = listAt(result, 'Manifests');
  const built = new Set(manifests.flatMap(imagesBuilt));
  const names = manifests.flatMap((manifest) => textAt(manifest, 'Name') ?? []);
  return [
    ...[...builtImages].filter((image) => !built.has(image)).map((image) => finding(`no resource builds ${image}`)),
    ...[...built].filter((image) => !builtImages.has(image)).map((image) => finding(`${image} is no service's`)),
    ...(names.length >= 10 ? [] : [finding(`it has ${names.length} resources alone: ${names.join(', ')}`)]),
  ];
}

function imagesBuilt(manifest: Json): readonly string[] {
  return listAt(manifest, 'ImageTargets').flatMap((target) => {
    const name = textAt(target, 'ID', 'Name') ?? textAt(target, 'selector');
    return name === undefined ? [] : [name.replace(/^docker\.io\//, '')];
  });
}

/** A program that finds nothing in these finds nothing anywhere. */
function blindPrograms(tools: Tools): readonly Finding[] {
  const container = ['spec', 'template', 'spec', 'containers', 0];
  const broken = edit(
    edit(fixtureWorld(), 'Deployment', 'backend', [...container, 'securityContext', 'privileged'], true),
    'Deployment',
    'db-client',
    [...container, 'securityContext', 'readOnlyRootFileSystem'],
    true,
  );
  const found = new Set(ofManifest(tools, broken.objects).map(({ rule }) => rule));
  const files = inFolder((folder) => {
    const [dockerfile, tiltfile] = [join(folder, 'Dockerfile'), join(folder, 'Tiltfile')];
    const script = join(folder, 'script.sh');
    writeFileSync(dockerfile, 'FROM docker.io/library/node:latest\n');
    writeFileSync(script, '#!/bin/sh\nrm -rf $1/*\n');
    writeFileSync(tiltfile, 'k8s_resource("nobody")\n');
    return [...linted(tools, dockerfile), ...shellFaults(tools, [script]), ...evaluated(tools, tiltfile).findings];
  });
  for (const { rule } of files) found.add(rule);
  return [
    'kubernetes-validate',
    'kube-score container-security-context-privileged',
    'hadolint',
    'shellcheck',
    'tiltfile',
  ]
    .filter((rule) => !found.has(rule))
    .map((rule) => ({ rule, object: 'a planted fault', says: 'it is not found' }));
}
