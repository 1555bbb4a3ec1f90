/**
 * Fetching, keeping and delegated validation of JWT-SVIDs, with a Workload API on a real socket.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { createFakeJwtApi, type FakeAnswer, type FakeJwtApi } from '../test/fake-jwt-api.ts';
import { AUDIENCE, claimsWith, createJwtKey, NOW_MS, signToken } from '../test/jwt-fixture.ts';
import { validateJwtSvidByWorkloadApi } from './delegated-jwt-validation.ts';
import type { SpiffeTlsErrorCode } from './errors.ts';
import { fetchJwtSvid, fetchJwtSvids } from './fetch-jwt-svid.ts';
import type { JWTSVID, JWTSVIDRequest, JWTSVIDResponse } from './gen/workload.ts';
import { SpiffeId } from './spiffe-id.ts';
import { createWorkloadApiJwtSource, type WorkloadApiJwtSource } from './workload-api-jwt-source.ts';

const key = createJwtKey();
const webId = 'spiffe://example.org/web';
const web = SpiffeId.parse(webId);
const LIFE_MS = 300_000;

function entry(claims: Readonly<Record<string, unknown>>, changes: Partial<JWTSVID> = {}): JWTSVID {
  return { spiffeId: webId, svid: signToken(key, 'ES256', { claims: claimsWith(claims) }), hint: '', ...changes };
}

const answer = (...svids: JWTSVID[]): FakeAnswer<JWTSVIDResponse> => ({ response: { svids } });
const refusal = (code: status): FakeAnswer<JWTSVIDResponse> => ({ code, details: 'said the agent' });

/** An agent whose tokens are for whoever is asked for, and of the present of the test's clock. */
async function setUp(t: TestContext) {
  const api = await createFakeJwtApi(t);
  const time = { nowMs: NOW_MS };
  const issue = ({ audience }: JWTSVIDRequest) =>
    answer(entry({ aud: audience, exp: (time.nowMs + LIFE_MS) / 1000, jti: `${api.requests.length}` }));
  api.onFetch = issue;
  const source = createWorkloadApiJwtSource({ endpoint: api.endpoint, now: () => time.nowMs });
  t.after(() => source.close());
  return { api, time, source, issue };
}

async function jti(
  source: WorkloadApiJwtSource,
  request: Parameters<WorkloadApiJwtSource['fetch']>[0] = { audience: AUDIENCE },
) {
  return (await source.fetch(request)).claims['jti'];
}

test('L41 L52 audiences and subject go to the agent as they are, with the header that every call needs', async (t) => {
  const { api, source } = await setUp(t);
  const svid = await source.fetch({ audience: ['b', 'a', 'b'], subject: web });
  assert.deepEqual(api.requests, [{ audience: ['a', 'b'], spiffeId: webId }]);
  assert.deepEqual(api.metadata[0]?.get('workload.spiffe.io'), ['true']);
  assert.deepEqual([svid.id.toString(), svid.audience], [webId, ['a', 'b']]);
});

test('T23 the order of audiences makes no difference; audience, subject and hint do', async (t) => {
  const { api, source, issue } = await setUp(t);
  api.onFetch = (request) => {
    const made = issue(request);
    return 'response' in made ? answer(...made.response.svids.map((svid) => ({ ...svid, hint: 'h' }))) : made;
  };
  assert.equal(await jti(source, { audience: ['a', 'b'] }), '1');
  assert.equal(await jti(source, { audience: ['b', 'a', 'a'] }), '1');
  assert.equal(await jti(source, { audience: ['a'] }), '2');
  assert.equal(await jti(source, { audience: 'a' }), '2');
  assert.equal(await jti(source, { audience: 'a', subject: web }), '3');
  assert.equal(await jti(source, { audience: 'a', hint: 'h' }), '4');
  assert.equal(await jti(source, { audience: ['a', 'b'], subject: web }), '5');
  assert.equal(await jti(source, { audience: ['a,b'] }), '6');
});

test('T23 a token serves for half its life, then a new one is fetched', async (t) => {
  const { time, source } = await setUp(t);
  assert.equal(await jti(source), '1');
  time.nowMs += LIFE_MS / 2 - 1;
  assert.equal(await jti(source), '1');
  time.nowMs += 1;
  assert.equal(await jti(source), '2');
});

test('T23 calls at the same time share one question', async (t) => {
  const { api, source } = await setUp(t);
  assert.deepEqual(await Promise.all([jti(source), jti(source), jti(source)]), ['1', '1', '1']);
  assert.equal(api.requests.length, 1);
});

test('T23 while the agent is away a token serves until it expires and not longer', async (t) => {
  const { api, time, source } = await setUp(t);
  assert.equal(await jti(source), '1');
  api.onFetch = () => refusal(status.UNAVAILABLE);
  time.nowMs += LIFE_MS / 2;
  assert.equal(await jti(source), '1');
  assert.equal(await jti(source), '1');
  assert.equal(api.requests.length, 2, 'not each call asks an agent that is away');
  time.nowMs += 5000;
  assert.equal(await jti(source), '1');
  assert.equal(api.requests.length, 3);
  time.nowMs = NOW_MS + LIFE_MS - 1;
  assert.equal(await jti(source), '1');
  time.nowMs += 1;
  await assert.rejects(source.fetch({ audience: AUDIENCE }), { code: 'WORKLOAD_API', message: /UNAVAILABLE/ });
});

test('T23 L41 PermissionDenied is never answered from what is kept', async (t) => {
  const { api, time, source, issue } = await setUp(t);
  assert.equal(await jti(source), '1');
  assert.equal(await jti(source, { audience: 'other' }), '2');
  time.nowMs += LIFE_MS / 2;
  api.onFetch = () => refusal(status.PERMISSION_DENIED);
  await assert.rejects(source.fetch({ audience: AUDIENCE }), { code: 'WORKLOAD_API', message: /PERMISSION_DENIED/ });
  // No identity at all: the other audience's token is gone as well, and neither comes back while the agent is away.
  api.onFetch = () => refusal(status.UNAVAILABLE);
  for (const audience of [AUDIENCE, 'other'])
    await assert.rejects(source.fetch({ audience }), { message: /UNAVAILABLE/ });
  api.onFetch = issue;
  assert.equal(await jti(source), `${api.requests.length}`);
});

test('T23 denied for one subject leaves the tokens of others', async (t) => {
  const { api, source } = await setUp(t);
  assert.equal(await jti(source), '1');
  api.onFetch = () => refusal(status.PERMISSION_DENIED);
  await assert.rejects(source.fetch({ audience: AUDIENCE, subject: web }), { message: /PERMISSION_DENIED/ });
  assert.equal(await jti(source), '1');
});

test('T23 a request that the agent calls invalid is not kept from its error', async (t) => {
  const { api, source } = await setUp(t);
  api.onFetch = () => refusal(status.INVALID_ARGUMENT);
  await assert.rejects(source.fetch({ audience: AUDIENCE }), {
    code: 'WORKLOAD_API',
    message: /INVALID_ARGUMENT.*said the agent/,
  });
  assert.equal(api.requests.length, 1);
});

// Without cancelling, the call's own deadline would end it, later.
const prompt = { timeout: 5000 };

test('closing cancels what is in flight, and nothing is kept or given afterwards', prompt, async (t) => {
  const { api, source } = await setUp(t);
  const asked = new Promise<void>((resolve) => {
    api.onFetch = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  const pending = assert.rejects(source.fetch({ audience: AUDIENCE }), { code: 'SOURCE_CLOSED' });
  await asked;
  source.close();
  source.close();
  await pending;
  await assert.rejects(source.fetch({ audience: AUDIENCE }), { code: 'SOURCE_CLOSED' });
});

test('an agent that does not answer in time is an error that says so', async (t) => {
  const { api } = await setUp(t);
  api.onFetch = () => new Promise(() => {});
  const fetching = fetchJwtSvid({ audience: AUDIENCE }, { endpoint: api.endpoint, timeoutMs: 50 });
  await assert.rejects(fetching, { code: 'WORKLOAD_API', message: /DEADLINE_EXCEEDED/ });
});

test('aborted before or during the call, fetching ends', prompt, async (t) => {
  const { api } = await setUp(t);
  const aborting = new AbortController();
  api.onFetch = () => {
    aborting.abort();
    return new Promise(() => {});
  };
  const options = { endpoint: api.endpoint, signal: aborting.signal };
  await assert.rejects(fetchJwtSvid({ audience: AUDIENCE }, options), { code: 'SOURCE_CLOSED' });
  await assert.rejects(fetchJwtSvid({ audience: AUDIENCE }, options), { code: 'SOURCE_CLOSED' });
  assert.equal(api.requests.length, 1);
});

test('no agent at all is told as such', async (t) => {
  const { api } = await setUp(t);
  api.stop();
  await assert.rejects(fetchJwtSvid({ audience: AUDIENCE }, { endpoint: api.endpoint }), { code: 'WORKLOAD_API' });
});

const other = 'spiffe://example.org/other';
const badAnswers: ReadonlyArray<readonly [string, SpiffeTlsErrorCode, readonly JWTSVID[]]> = [
  ['no svids', 'WORKLOAD_API', []],
  ['an empty spiffe_id', 'WORKLOAD_API', [entry({}, { spiffeId: '' })]],
  ['an empty svid', 'WORKLOAD_API', [entry({}, { svid: '' })]],
  ['a token that is none', 'JWT_MALFORMED', [entry({}, { svid: 'x.y' })]],
  ['another sub than announced', 'SVID_ID_MISMATCH', [entry({ sub: other })]],
  ['another spiffe_id than its sub', 'SVID_ID_MISMATCH', [entry({}, { spiffeId: other })]],
  ['another identity than asked for', 'SVID_ID_MISMATCH', [entry({ sub: other }, { spiffeId: other })]],
  ['a token for somebody else', 'WORKLOAD_API', [entry({ aud: ['x'] })]],
  ['an expired token', 'EXPIRED', [entry({ exp: NOW_MS / 1000 })]],
  ['no SVID with the hint', 'NO_SVID_FOR_HINT', [entry({}, { hint: 'other' })]],
];

for (const [name, code, svids] of badAnswers) {
  test(`T15 refuses an answer with ${name}`, async (t) => {
    const { api } = await setUp(t);
    api.onFetch = () => answer(...svids);
    const options = { endpoint: api.endpoint, now: () => NOW_MS };
    await assert.rejects(fetchJwtSvid({ audience: AUDIENCE, subject: web, hint: 'h' }, options), { code });
  });
}

test('L41 without a subject all identities come, in order, and a hint chooses', async (t) => {
  const { api } = await setUp(t);
  api.onFetch = () => answer(entry({}, { hint: 'one' }), entry({ sub: other }, { spiffeId: other, hint: 'two' }));
  const options = { endpoint: api.endpoint, now: () => NOW_MS };
  const all = await fetchJwtSvids({ audience: AUDIENCE }, options);
  assert.deepEqual(
    all.map(({ id, hint }) => `${id.path} ${hint}`),
    ['/web one', '/other two'],
  );
  assert.equal((await fetchJwtSvid({ audience: AUDIENCE, hint: 'two' }, options)).id.path, '/other');
});

test('an empty audience or hint is a programming error', async (t) => {
  const { api, source } = await setUp(t);
  for (const request of [{ audience: '' }, { audience: [] }, { audience: ['a', ''] }, { audience: 'a', hint: '' }]) {
    await assert.rejects(source.fetch(request), TypeError);
    await assert.rejects(fetchJwtSvid(request, { endpoint: api.endpoint }), TypeError);
  }
  assert.equal(api.requests.length, 0);
});

async function setUpValidation(t: TestContext, onValidate: FakeJwtApi['onValidate']) {
  const api = await createFakeJwtApi(t);
  api.onValidate = onValidate;
  return { api, options: { endpoint: api.endpoint, audience: AUDIENCE } };
}

test('L42 the Workload API validates on request', async (t) => {
  const { api, options } = await setUpValidation(t, () => ({
    response: { spiffeId: webId, claims: { sub: webId, n: 1 } },
  }));
  const { id, claims } = await validateJwtSvidByWorkloadApi('the.token.itself', options);
  assert.deepEqual([id.toString(), claims], [webId, { sub: webId, n: 1 }]);
  assert.deepEqual(api.validations, [{ audience: AUDIENCE, svid: 'the.token.itself' }]);
  assert.deepEqual(api.metadata[0]?.get('workload.spiffe.io'), ['true']);
});

test('L42 a token that the API refuses is told apart from an API that can not say', async (t) => {
  const token = 'the.secret.token';
  for (const [code, expected] of [
    [status.INVALID_ARGUMENT, 'JWT_REFUSED'],
    [status.UNAVAILABLE, 'WORKLOAD_API'],
    [status.PERMISSION_DENIED, 'WORKLOAD_API'],
    [status.INTERNAL, 'WORKLOAD_API'],
  ] as const) {
    const { options } = await setUpValidation(t, () => ({ code, details: 'said the agent' }));
    await assert.rejects(validateJwtSvidByWorkloadApi(token, options), (error: Error & { code?: string }) => {
      assert.equal(error.code, expected);
      assert.match(error.message, /said the agent/);
      assert.equal(error.message.includes(token), false);
      return true;
    });
  }
});

test('L42 an answer without an ID, or with one that is none, is no validation', async (t) => {
  for (const [spiffeId, code] of [
    ['', 'WORKLOAD_API'],
    ['web', 'INVALID_SPIFFE_ID'],
  ] as const) {
    const { options } = await setUpValidation(t, () => ({ response: { spiffeId, claims: {} } }));
    await assert.rejects(validateJwtSvidByWorkloadApi('t', options), { code });
  }
  await assert.rejects(validateJwtSvidByWorkloadApi('t', { endpoint: 'unix:///x.sock', audience: '' }), TypeError);
});
