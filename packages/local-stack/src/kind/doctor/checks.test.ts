/** Each finding is planted in facts that are otherwise clean, and is then the only one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { examineWith } from '../../doctor/checks.ts';
import { KIND_CHECKS } from './checks.ts';
import { runKindDoctor } from './doctor.ts';
import type { KindFacts, ToolFacts, ToolName } from './facts.ts';

const GiB = 1024 ** 3;
const versions: Readonly<Record<ToolName, string>> = {
  docker: '29.1.0',
  kind: '0.32.0',
  kubectl: '1.36.3',
  helm: '4.2.3',
  tilt: '0.37.7',
};
const names: readonly ToolName[] = ['docker', 'kind', 'kubectl', 'helm', 'tilt'];
const toolsWith = (changed: Partial<Record<ToolName, string>>): ToolFacts[] =>
  names.map((name) => ({ name, version: changed[name] ?? versions[name] }));
const toolsWithout = (missing: ToolName): ToolFacts[] =>
  names.map((name) => (name === missing ? { name } : { name, version: versions[name] }));

const clean: KindFacts = {
  tools: toolsWith({}),
  engine: { state: 'up', memoryBytes: 8 * GiB, cpus: 4 },
  inotify: { maxUserWatches: 524_288, maxUserInstances: 512 },
  ports: [{ port: 8080, use: 'customer' }],
  clusters: ['other', 'countersign'],
  contexts: ['kind-other', 'kind-countersign'],
  apiServer: { answers: true, message: 'v1.36.1' },
  registry: 'running',
};
const nothingYet: KindFacts = {
  tools: clean.tools,
  engine: clean.engine,
  ports: clean.ports,
  clusters: ['other'],
  contexts: ['kind-other'],
};
const { registry: _running, ...withoutRegistry } = clean;

type Plant = [name: string, check: string, status: 'warn' | 'fail', evidence: RegExp, facts: KindFacts];

const plants: Plant[] = [
  ['docker is missing', 'tools', 'fail', /^it is not on PATH$/, { ...clean, tools: toolsWithout('docker') }],
  ['tilt is missing', 'tools', 'warn', /^it is not on PATH$/, { ...clean, tools: toolsWithout('tilt') }],
  [
    'kind is old',
    'tools',
    'fail',
    /0\.31\.9, wanted 0\.32 or later/,
    { ...clean, tools: toolsWith({ kind: '0.31.9' }) },
  ],
  ['kubectl is old', 'tools', 'fail', /wanted 1\.35 or later/, { ...clean, tools: toolsWith({ kubectl: '1.34.9' }) }],
  ['kubectl is too new', 'tools', 'fail', /below 1\.38/, { ...clean, tools: toolsWith({ kubectl: '1.38.0' }) }],
  ['helm is of another age', 'tools', 'fail', /it is 5\.0\.0/, { ...clean, tools: toolsWith({ helm: '5.0.0' }) }],
  [
    'a version can not be read',
    'tools',
    'fail',
    /unknown/,
    { ...clean, tools: toolsWith({ kind: 'of an unknown version' }) },
  ],
  [
    'docker does not run',
    'engine',
    'fail',
    /no such socket/,
    { ...clean, engine: { state: 'down', message: 'no such socket' } },
  ],
  [
    'memory is short',
    'engine',
    'warn',
    /it has 4\.0 GiB/,
    { ...clean, engine: { state: 'up', memoryBytes: 4 * GiB, cpus: 4 } },
  ],
  [
    'memory is too short',
    'engine',
    'fail',
    /it has 1\.9 GiB/,
    { ...clean, engine: { state: 'up', memoryBytes: 1.9 * GiB, cpus: 4 } },
  ],
  [
    'one processor',
    'engine',
    'warn',
    /1 processor/,
    { ...clean, engine: { state: 'up', memoryBytes: 8 * GiB, cpus: 1 } },
  ],
  [
    'few watches',
    'inotify',
    'fail',
    /8192, wanted 524288/,
    { ...clean, inotify: { maxUserWatches: 8192, maxUserInstances: 512 } },
  ],
  [
    'few instances',
    'inotify',
    'fail',
    /128, wanted 512/,
    { ...clean, inotify: { maxUserWatches: 524_288, maxUserInstances: 128 } },
  ],
  [
    'a port is taken',
    'ports',
    'fail',
    /127\.0\.0\.1:8080 can't/,
    { ...clean, ports: [{ port: 8080, use: 'customer', problem: "can't be bound" }] },
  ],
  ['context is missing', 'cluster', 'fail', /has no context/, { ...clean, contexts: ['kind-other'] }],
  ['context is left over', 'cluster', 'fail', /no such cluster/, { ...nothingYet, contexts: ['kind-countersign'] }],
  [
    'cluster does not answer',
    'cluster',
    'fail',
    /refused/,
    { ...clean, apiServer: { answers: false, message: 'refused' } },
  ],
  ['registry is missing', 'registry', 'fail', /no container/, withoutRegistry],
  ['registry is stopped', 'registry', 'fail', /is exited/, { ...clean, registry: 'exited' }],
];

describe('planted findings', () => {
  for (const [name, facts] of Object.entries({ clean, nothingYet }))
    it(`${name}: nothing is found`, () => {
      assert.deepEqual(
        examineWith(KIND_CHECKS, facts).flatMap(({ findings }) => findings),
        [],
      );
    });
  for (const [name, check, status, evidence, facts] of plants)
    it(name, () => {
      const found = examineWith(KIND_CHECKS, facts).filter(({ findings }) => findings.length > 0);
      assert.deepEqual(
        found.map((result) => [result.check, result.status, result.findings.length]),
        [[check, status, 1]],
      );
      const [finding] = found.flatMap(({ findings }) => findings);
      assert.match(finding?.evidence ?? '', evidence);
      assert.ok((finding?.fix ?? '').length > 20, 'it says what to do');
    });
  it('every check has a plant', () => {
    const planted = new Set(plants.map(([, check]) => check));
    assert.deepEqual(
      KIND_CHECKS.map(({ name }) => name).filter((name) => !planted.has(name)),
      [],
    );
  });
});

describe('npm run kind -- doctor', () => {
  const answers: Readonly<Record<string, string>> = {
    'docker --version': 'Docker version 29.1.0, build abc',
    'kind version': 'kind v0.32.0 go1.26.1 linux/amd64',
    'kubectl version --client': 'Client Version: v1.36.3\nKustomize Version: v5.8.1',
    'helm version --short': 'v4.2.3+g1234',
    'tilt version': 'v0.37.7, built 2026-10-01',
    'docker info --format {{json .}}': JSON.stringify({ MemTotal: 8 * GiB, NCPU: 4 }),
    'kind get clusters': 'countersign\n',
    'kubectl config get-contexts -o name': 'kind-countersign\n',
    'docker inspect --format {{.State.Status}} countersign-registry': 'running\n',
    'kubectl --context kind-countersign --request-timeout=5s version -o json':
      '{"serverVersion":{"gitVersion":"v1.36.1"}}',
  };
  const doctor = async (changed: Readonly<Record<string, string>> = {}) => {
    const printed: string[] = [];
    const run = (program: string, args: readonly string[]) => {
      const answer = { ...answers, ...changed }[[program, ...args].join(' ')];
      return answer === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(answer);
    };
    const code = await runKindDoctor({ print: (text) => void printed.push(text) }, true, run);
    const results: Array<{ check: string; status: string }> = JSON.parse(printed.join(''));
    // This machine's own limits may be what they are.
    return {
      code,
      failed: results.filter(({ check, status }) => check !== 'inotify' && status === 'fail').map(({ check }) => check),
    };
  };

  it('reads what the programs say', async () => assert.deepEqual((await doctor()).failed, []));
  it('ends with 1 when something failed', async () => {
    const { code, failed } = await doctor({ 'docker info --format {{json .}}': '{"ServerErrors":["Cannot connect"]}' });
    assert.deepEqual([code, failed], [1, ['engine']]);
  });
});
