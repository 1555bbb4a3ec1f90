/**
 * That the cluster's generated files are current, that a workload which is added reaches all of them, and that `--check`
 * notices whatever differs.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'generate-kind-'));
after(() => rmSync(root, { recursive: true }));

const FOLDER = 'kind/generated';
/** What a workload that calls another and logs in to PostgreSQL has to appear in, and as what. */
const SIGNS = {
  [`${FOLDER}/shop/service-accounts.yaml`]: /^ {2}name: newcomer$/m,
  [`${FOLDER}/shop/network-policies.yaml`]: /name: newcomer-to-backend-egress[\s\S]*name: newcomer-to-postgres-ingress/,
  [`${FOLDER}/shop/kustomization.yaml`]:
    /name: newcomer-identity\n[^-]*- "BACKEND_SPIFFE_ID=[\s\S]*POSTGRES_USER=newcomer_ro/,
  [`${FOLDER}/shop/postgres/pg_hba.conf`]: /"newcomer_ro".* cert map=/,
  [`${FOLDER}/shop/postgres/pg_ident.conf`]: /^spiffe "newcomer\..*" "newcomer_ro"$/m,
  [`${FOLDER}/shop/postgres/roles.sql`]: /CREATE ROLE "newcomer_ro"/,
  [`${FOLDER}/observability/network-policies.yaml`]: /- newcomer$/m,
  'kind/spire/identities.yaml': /^ {8}newcomer:$[\s\S]*"k8s:sa:newcomer"/m,
};

beforeEach(() => {
  writeIdentities();
  assert.equal(generate().status, 0);
});

test('kind: what is committed is what identities.json says', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate-kind.ts', '--check'], {
    cwd: repository,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
});

test('kind: generated twice is the same, and passes --check', () => {
  const before = texts();
  assert.equal(generate().status, 0);
  assert.deepEqual(texts(), before);
  assert.deepEqual([generate('--check').status, generate('--check').stderr], [0, '']);
});

test('kind: a workload that is added appears in every file; --check names each one that lacks it', () => {
  for (const [path, sign] of Object.entries(SIGNS)) assert.doesNotMatch(text(path), sign, path);
  writeIdentities({ newcomer: { postgresRole: 'newcomer_ro', calls: { backend: { 'GET /orders': {} } } } });
  const { status, stderr } = generate('--check');
  assert.equal(status, 1);
  assert.deepEqual(namedIn(stderr), Object.keys(SIGNS).sort());
  assert.equal(generate().status, 0);
  for (const [path, sign] of Object.entries(SIGNS)) assert.match(text(path), sign, path);
});

test('kind: a file that was edited, one that is missing and one that is left over each fail --check', () => {
  const [edited, missing, leftOver] = [
    `${FOLDER}/shop/postgres/pg_hba.conf`,
    'kind/spire/identities.yaml',
    `${FOLDER}/old.yaml`,
  ];
  writeFileSync(join(root, edited), 'host all all all trust\n');
  rmSync(join(root, missing));
  writeFileSync(join(root, leftOver), '');
  const { status, stderr } = generate('--check');
  assert.equal(status, 1);
  assert.deepEqual(namedIn(stderr), [edited, leftOver, missing].sort());
  assert.equal(generate().status, 0);
  assert.equal(generate('--check').status, 0);
});

test('kind: without an owner of the schema nothing is written', () => {
  writeIdentities({ 'db-migrate': {} });
  const before = texts();
  const { status, stderr } = generate();
  assert.equal(status, 1);
  assert.match(stderr, /workloads\.db-migrate must have a postgresRole/);
  assert.deepEqual(texts(), before);
});

/** The repository's own identities with other workloads beside or in place of its own. */
function writeIdentities(workloads = {}) {
  const document = JSON.parse(readFileSync(join(repository, 'identities.json'), 'utf8'));
  Object.assign(document.workloads, workloads);
  writeFileSync(join(root, 'identities.json'), JSON.stringify(document));
}

function generate(...flags) {
  const args = ['scripts/generate-kind.ts', '--root', root, ...flags];
  return spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8' });
}

function text(path) {
  return readFileSync(join(root, path), 'utf8');
}

function texts() {
  return Object.keys(SIGNS).map(text);
}

function namedIn(stderr) {
  return [...stderr.matchAll(/^kind: (\S+) is /gm)].map((match) => match[1]).toSorted((a, b) => (a < b ? -1 : 1));
}
