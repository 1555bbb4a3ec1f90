/**
 * The packages as their users get them: what is in the tarballs, and an empty project with each Node that is promised.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { addProgram, makeFolder, makeProject, nodes, root, run, tarballs } from './ground.ts';

const [spiffeTls = '', devTrustDomain = ''] = tarballs;
const tools = join(root, 'node_modules/.bin');
const hello = 'Hello spiffe://example.org/client';

function manifestIn(tarball: string): Record<string, unknown> {
  return JSON.parse(run('tar', ['xzOf', tarball, 'package/package.json'], root));
}

for (const [name, tarball] of [
  ['spiffe-tls', spiffeTls],
  ['dev-trust-domain', devTrustDomain],
] as const) {
  test(`${name}: publint and attw find nothing`, () => {
    run(join(tools, 'publint'), ['run', '--strict', tarball], root);
    const flags = ['--profile', 'esm-only', '--exclude-entrypoints', './workload-api.binpb'];
    run(join(tools, 'attw'), [tarball, ...flags], root);
  });

  test(`${name}: built code and types alone, no sources, no tests`, () => {
    const files = run('tar', ['tzf', tarball], root).trim().split('\n');
    const built = /^package\/(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE|contracts\.binpb)$/;
    assert.deepEqual(
      files.filter((file) => !built.test(file) || /test|fixture/.test(file)),
      [],
    );
    assert.ok(files.length > 20);
  });

  test(`${name}: no script runs when it is installed, and it is not private`, () => {
    const manifest = manifestIn(tarball);
    assert.deepEqual([manifest['scripts'], manifest['private']], [undefined, undefined]);
  });
}

test('spiffe-tls: at most five direct dependencies', () => {
  const { dependencies = {}, peerDependencies = {} } = manifestIn(spiffeTls);
  const direct = Object.keys({ ...Object(dependencies), ...Object(peerDependencies) });
  assert.ok(direct.length >= 2 && direct.length <= 5, direct.join(', '));
});

for (const [version, node] of nodes) {
  test(`Node ${version}: T2 T28 an empty project with both packages serves and calls over every protocol`, () => {
    const folder = makeProject(`project-${version}`, node, [...tarballs, '@grpc/grpc-js@1.14.7', 'undici@7.16.0']);
    const seen = JSON.parse(run(node, [addProgram(folder, 'smoke.mjs')], folder));
    assert.deepEqual(seen, {
      https: hello,
      refused: 'PEER_NOT_AUTHORIZED',
      rotated: true,
      fetch: hello,
      http2: hello,
      grpc: hello,
      grpcStream: 'one',
      jwt: 'spiffe://example.org/client',
    });
  });

  test(`Node ${version}: the programs of dev-trust-domain answer`, () => {
    const programs = join(makeFolder(`project-${version}`), 'node_modules/.bin');
    const help = run(node, [join(programs, 'dev-trust-domain'), '--help'], programs);
    assert.match(help, /--trust-domain/);
  });
}

test('a project compiles against the types with the strictest settings', () => {
  const [node] = [...nodes.values()].slice(-1);
  assert.ok(node);
  const typescript = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies;
  const packages = [`typescript@${typescript.typescript}`, `@types/node@${typescript['@types/node']}`];
  const folder = makeProject('typed', node, [...tarballs, '@grpc/grpc-js@1.14.7', ...packages]);
  const flags = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--skipLibCheck',
    'false',
  ];
  const target = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  run(join(folder, 'node_modules/.bin/tsc'), [...flags, ...target, addProgram(folder, 'typed.ts')], folder);
});
