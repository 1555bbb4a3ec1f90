/**
 * Tokens on their way, over real HTTP.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { portOf } from '../test/https-fixture.ts';
import { AUDIENCE, createJwtKey, jwtBundleOf, NOW_MS, signToken } from '../test/jwt-fixture.ts';
import { bearerOf, bearerTokenOf } from './bearer.ts';
import { validateJwtSvid } from './jwt-svid.ts';

const key = createJwtKey();
const token = signToken(key, 'ES256');
const svid = validateJwtSvid(token, {
  audience: AUDIENCE,
  bundles: { get: () => jwtBundleOf('example.org', key) },
  nowMs: NOW_MS,
});

test('L43 what bearerOf writes bearerTokenOf reads, in HTTP and in gRPC metadata', () => {
  assert.equal(bearerTokenOf({ rawHeaders: ['Host', 'x', 'authorization', bearerOf(svid)] }), token);
  const metadata = new Metadata();
  metadata.set('authorization', bearerOf(svid));
  assert.equal(bearerTokenOf(metadata), token);
  assert.equal(bearerTokenOf({ rawHeaders: ['Host', 'authorization'] }), undefined);
  assert.equal(bearerTokenOf(new Metadata()), undefined);
});

test('L43 the scheme is read in whatever case, and nothing else is let through', () => {
  assert.equal(bearerTokenOf({ rawHeaders: ['AUTHORIZATION', `bEARER  ${token}`] }), token);
  for (const value of [
    '',
    'Bearer',
    'Bearer ',
    token,
    `Basic ${token}`,
    `Bearer ${token} x`,
    `Bearer ${token}, y`,
    `Bearer ${token}\n`,
  ]) {
    assert.throws(
      () => bearerTokenOf({ rawHeaders: ['Authorization', value] }),
      (error: Error) => {
        assert.match(error.message, /authorization must be/);
        assert.equal(error.message.includes(token), false);
        return true;
      },
    );
  }
});

test('L43 two authorizations are refused, although Node shows only the first', async (t) => {
  const outcomes: string[] = [];
  const server = createServer((request, response) => {
    assert.equal(request.headers.authorization, 'Bearer first');
    try {
      outcomes.push(String(bearerTokenOf(request)));
    } catch (error) {
      outcomes.push(String(Reflect.get(error as object, 'code')));
    }
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const socket = connect(portOf(server), '127.0.0.1');
  socket.end(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer first\r\nauthorization: Bearer second\r\n\r\n',
  );
  socket.resume();
  await once(socket, 'close');
  assert.deepEqual(outcomes, ['JWT_MALFORMED']);
  const metadata = new Metadata();
  metadata.add('authorization', 'Bearer first');
  metadata.add('authorization', 'Bearer second');
  assert.throws(() => bearerTokenOf(metadata), { code: 'JWT_MALFORMED' });
});
