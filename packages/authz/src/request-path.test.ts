/** Paths and routes, without a server: what is refused, what is another route, what is this one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchRoute, parseRequestPath, parseRoute, routeParameters } from './request-path.ts';

const route = parseRoute('GET /things/{id}/parts');
const matches = (method: string, target: string): boolean => {
  const path = parseRequestPath(target);
  return path !== undefined && matchRoute(route, method, path);
};

for (const [method, target] of [
  ['GET', '/things//parts'],
  ['GET', '/things/1/parts/'],
  ['GET', '/things/1/Parts'],
  ['GET', '/Things/1/parts'],
  ['GET', '/things/1'],
  ['GET', '/'],
  ['HEAD', '/things/1/parts'],
  ['get', '/things/1/parts'],
  ['GET', '/things/1/%70arts'],
] as const) {
  test(`request path: ${method} ${target} is not of the route`, () => assert.equal(matches(method, target), false));
}

test('request path: this is of the route, with its parameter decoded once', () => {
  assert.ok(matches('GET', '/things/1/parts?x=/../y'));
  const path = parseRequestPath('/things/a%2525%20b/parts');
  assert.ok(path !== undefined);
  assert.deepEqual(routeParameters(route, path), { id: 'a%25 b' });
});

test('request path: whatever the target, what is accepted is whole segments without separators and controls', () => {
  const target = fc.array(
    fc.constantFrom('/', '.', '%2e', '%2f', '%5c', '\\', '%00', '%', 'a', '%C3%A9', '?', '#', '%252e', 'é', '\n'),
  );
  fc.assert(
    fc.property(target, (pieces) => {
      const path = parseRequestPath(`/${pieces.join('')}`);
      for (const segment of path?.decoded ?? []) {
        assert.ok(segment !== '.' && segment !== '..');
        assert.doesNotMatch(segment, /[/\\\p{Cc}]/u);
      }
    }),
  );
});

test('request path: a segment encoded once comes back as it was, if it is accepted at all', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (segment) => {
      const decoded = parseRequestPath(`/${encodeURIComponent(segment)}`)?.decoded;
      if (decoded !== undefined) assert.deepEqual(decoded, [segment]);
    }),
  );
});

for (const operation of [
  '',
  'GET',
  '/things',
  'get /things',
  'GET  /things',
  'GET things',
  'GET /things/',
  'GET /things/{}',
  'GET /things/:id',
  'GET /things/*',
  'GET /things?x',
  'GET /a//b',
  'unmatched',
]) {
  test(`request path: no route: ${JSON.stringify(operation)}`, () => {
    assert.throws(() => parseRoute(operation), TypeError);
  });
}
