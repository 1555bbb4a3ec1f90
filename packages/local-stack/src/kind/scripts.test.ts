/** The scripts under kind/, run with stand-ins for docker, kind, kubectl and helm: what they call, and what they leave alone. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const kind = fileURLToPath(new URL('../../../../kind/', import.meta.url));
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** What the machine is like: shell commands that answer, by program and the start of its arguments. */
type Machine = Readonly<Record<string, string>>;

const nothing: Machine = {
  'docker inspect --format {{.State': 'exit 1',
  'kind get clusters': 'echo other',
  'kind get nodes': 'echo countersign-control-plane',
  'docker inspect --format {{if': 'true',
  'docker image ls': 'true',
};
const everything: Machine = {
  ...nothing,
  'docker inspect --format {{.State': 'echo running',
  'kind get clusters': 'echo other; echo countersign',
  'docker inspect --format {{if': 'echo yes',
};

/** Runs a script; its calls, each a line of words and what came in on standard input. */
function run(script: string, machine: Machine, args: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'kind-scripts-'));
  folders.push(folder);
  const log = join(folder, 'calls');
  for (const program of ['docker', 'kind', 'kubectl', 'helm']) {
    const cases = Object.entries(machine)
      .filter(([words]) => words.startsWith(`${program} `))
      .map(([words, answer]) => `${JSON.stringify(`${words.slice(program.length + 1)}`)}*) ${answer} ;;`);
    const text = `#!/bin/sh
input=
case "$*" in *--interactive*|*"--filename -"*) input=$(cat) ;; esac
printf '%s | %s\\n' "${program} $*" "$(printf %s "$input" | tr '\\n' ' ')" >> ${log}
case "$*" in
${cases.join('\n')}
esac
`;
    writeFileSync(join(folder, program), text);
    chmodSync(join(folder, program), 0o755);
  }
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
  const { status, stdout, stderr } = spawnSync('bash', [join(kind, script), ...args], { env, encoding: 'utf8' });
  const calls = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  return {
    status,
    said: stdout + stderr,
    calls,
    did: (start: string) => calls.filter((call) => call.startsWith(start)),
  };
}

describe('kind/up.sh', () => {
  it('makes registry and cluster, and tells the node and everybody else of the registry', () => {
    const { status, did, said } = run('up.sh', nothing);
    assert.equal(status, 0, said);
    assert.match(did('docker run')[0] ?? '', /--publish 127\.0\.0\.1:5001:5000/);
    assert.equal(did('kind create cluster --config cluster.yaml').length, 1);
    const [hosts = ''] = did('docker exec --interactive countersign-control-plane');
    assert.match(hosts, /localhost:5001\/hosts\.toml \| \[host\."http:\/\/countersign-registry:5000"\]/);
    assert.equal(did('docker network connect kind countersign-registry').length, 1);
    assert.match(did('kubectl --context kind-countersign apply')[0] ?? '', /localRegistryHosting\.v1.*localhost:5001/);
  });
  it('leaves alone what is there', () => {
    const { status, did, said } = run('up.sh', everything);
    assert.equal(status, 0, said);
    for (const call of ['docker run', 'docker start', 'docker network connect', 'kind create'])
      assert.deepEqual(did(call), [], call);
  });
  it('starts a registry that was stopped', () => {
    const { did } = run('up.sh', { ...everything, 'docker inspect --format {{.State': 'echo exited' });
    assert.equal(did('docker start countersign-registry').length, 1);
    assert.deepEqual(did('docker run'), []);
  });
  it('ends where the cluster can not be made', () => {
    const { status, did } = run('up.sh', { ...nothing, 'kind create': 'exit 1' });
    assert.equal(status, 1);
    assert.deepEqual(did('kubectl'), []);
  });
});

describe('kind/down.sh', () => {
  it('removes cluster, registry, and our images alone', () => {
    const image = 'localhost:5001/countersign_backend:tilt-1';
    const { status, did } = run('down.sh', { ...everything, 'docker image ls': `echo ${image}` });
    assert.equal(status, 0);
    assert.equal(did('kind delete cluster --name countersign').length, 1);
    assert.equal(did('docker rm --force --volumes countersign-registry').length, 1);
    assert.deepEqual(did('docker image rm'), [`docker image rm --force ${image} | `]);
  });
  it('is fine where nothing is there', () => {
    const { status, did } = run('down.sh', { ...nothing, 'docker rm': 'exit 1' });
    assert.equal(status, 0);
    assert.deepEqual(did('docker image rm'), []);
  });
});

describe('kind/spire/install.sh', () => {
  const charts = (...args: readonly string[]) =>
    run('spire/install.sh', {}, args)
      .did('helm')
      .map((call) => /--version (\S+).* (\S+) \S+ \|/.exec(call)?.slice(1).join(' '));
  it('installs the types, then SPIRE', () => {
    assert.deepEqual(charts(), ['0.6.0 spire-crds', '0.30.0 spire']);
    assert.deepEqual(charts('crds'), ['0.6.0 spire-crds']);
    assert.deepEqual(charts('spire'), ['0.30.0 spire']);
  });
  it('gives the chart both files of values, in this order, in our context', () => {
    const [call = ''] = run('spire/install.sh', {}, ['spire']).did('helm --kube-context kind-countersign');
    assert.match(call, /--values values\.yaml --values identities\.yaml/);
  });
  it('does not go on where the types can not be installed', () => {
    const { status, did } = run('spire/install.sh', { 'helm ': 'exit 1' });
    assert.equal(status, 1);
    assert.equal(did('helm').length, 1);
  });
  it('refuses another word', () => assert.equal(run('spire/install.sh', {}, ['all-of-it']).status, 2));
});
