/**
 * The control service on its socket, by its own client and by plain HTTP.
 */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { startTemporary, temporaryDirectory } from '../test/temporary.ts';
import { createControlClient } from './control-client.ts';

interface Answer {
  readonly status: number | undefined;
  readonly body: { readonly error?: { readonly code: string; readonly message: string } };
}

function ask(socketPath: string, method: string, path: string, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('the client does over the socket what the trust domain does in process', async (context) => {
  const trustDomain = await startTemporary(context);
  const control = createControlClient(trustDomain.controlSocket);
  assert.deepEqual(await control.status(), await trustDomain.status());

  const [web] = await control.rotate('web');
  assert.deepEqual([web], (await trustDomain.status()).workloads.slice(0, 1));
  assert.equal((await control.rotate()).length, 2);

  const { serialNumber, previousSerialNumber } = await control.rotateCa({ settleMs: 0, dropAfterMs: 3_600_000 });
  assert.deepEqual(
    (await control.status()).authorities.map((authority) => authority.serialNumber),
    [serialNumber, previousSerialNumber],
  );

  const { keyId, previousKeyId } = await control.rotateJwt({ settleMs: 0, dropAfterMs: 3_600_000 });
  assert.deepEqual(
    (await control.status()).jwtAuthorities.map((authority) => authority.keyId),
    [keyId, previousKeyId],
  );
  assert.deepEqual((await control.unregister('web')).identities, []);
  const { identities, socket } = await control.register({
    name: 'web',
    spiffeId: 'spiffe://example.org/other',
    dnsNames: ['other.example.org'],
    hint: 'h',
  });
  assert.deepEqual(
    identities.map(({ spiffeId, dnsNames, hint }) => ({ spiffeId, dnsNames, hint })),
    [{ spiffeId: 'spiffe://example.org/other', dnsNames: ['other.example.org'], hint: 'h' }],
  );
  const source = createWorkloadApiX509Source({ endpoint: socket });
  context.after(() => source.close());
  assert.equal((await source.ready()).svid.id.path, '/other');
});

test('the client gets the trust domain’s own errors', async (context) => {
  const control = createControlClient((await startTemporary(context)).controlSocket);
  await assert.rejects(control.rotate('nobody'), { name: 'DevTrustDomainError', code: 'UNKNOWN_WORKLOAD' });
  await assert.rejects(control.register({ name: 'x', spiffeId: 'spiffe://other.org/x' }), {
    code: 'REGISTRATION',
    message: /member/,
  });
});

test('where nothing runs the client says so', async (context) => {
  const control = createControlClient(join(await temporaryDirectory(context), 'none.sock'));
  await assert.rejects(control.status(), { code: 'NOT_RUNNING', message: /ENOENT/ });
});

const refused: readonly [name: string, method: string, path: string, body: string, status: number, message: RegExp][] =
  [
    ['another path', 'GET', '/', '', 400, /no such operation/],
    ['another method', 'DELETE', '/v1/status', '', 400, /no such operation/],
    ['a query', 'GET', '/v1/status?x', '', 400, /no such operation/],
    ['a body that is not JSON', 'POST', '/v1/rotate', '{', 400, /JSON/],
    ['a body that is a list', 'POST', '/v1/rotate', '[]', 400, /JSON object/],
    ['a body of 3 MiB', 'POST', '/v1/rotate', JSON.stringify({ name: 'x'.repeat(3_000_000) }), 400, /2097152 bytes/],
    ['an unknown field', 'POST', '/v1/rotate', '{"nmae":"web"}', 400, /"nmae"/],
    ['a name that is no string', 'POST', '/v1/rotate', '{"name":1}', 400, /name must be a string/],
    ['no name', 'POST', '/v1/unregister', '{}', 400, /name is missing/],
    ['a workload that is not there', 'POST', '/v1/unregister', '{"name":"nobody"}', 404, /nobody/],
    ['a wait that is negative', 'POST', '/v1/rotate-ca', '{"settleMs":-1}', 400, /settleMs/],
    ['a wait that is text', 'POST', '/v1/rotate-ca', '{"dropAfterMs":"1s"}', 400, /dropAfterMs/],
    ['an unknown field of a rotation', 'POST', '/v1/rotate-jwt', '{"settle":1}', 400, /"settle"/],
    ['a response that is no base64', 'POST', '/v1/fault', '{"responseBase64":"?"}', 400, /base64/],
    ['a fault without effect', 'POST', '/v1/fault', '{"method":"FetchX509SVID"}', 400, /must have a code/],
    ['an unknown field of a filter', 'POST', '/v1/calls', '{"name":"web"}', 400, /"name"/],
    ['an owner', 'POST', '/v1/register', '{"name":"x","owner":{"uid":0,"gid":0}}', 400, /owner/],
    [
      'an unknown field of a registration',
      'POST',
      '/v1/register',
      '{"name":"x","spiffeId":"spiffe://example.org/x","ttl":1}',
      400,
      /"ttl"/,
    ],
    [
      'a name that leaves the directory',
      'POST',
      '/v1/register',
      '{"name":"../x","spiffeId":"spiffe://example.org/x"}',
      400,
      /name/,
    ],
  ];

test('refused requests say why, and change nothing', async (context) => {
  const trustDomain = await startTemporary(context);
  const before = await trustDomain.status();
  for (const [name, method, path, body, status, message] of refused) {
    const answer = await ask(trustDomain.controlSocket, method, path, body);
    assert.equal(answer.status, status, name);
    assert.match(answer.body.error?.message ?? '', message, name);
  }
  assert.deepEqual(await trustDomain.status(), before);
});

test('an open connection does not keep the trust domain from stopping', async (context) => {
  const trustDomain = await startTemporary(context);
  const idle = connect(trustDomain.controlSocket);
  await new Promise<void>((resolve) => idle.once('connect', resolve));
  const cut = new Promise<void>((resolve) => idle.once('close', () => resolve()));
  await Promise.all([trustDomain.close(), cut]);
});
