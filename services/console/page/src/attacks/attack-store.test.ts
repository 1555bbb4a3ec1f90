import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { runAll, runAttack, stopAttacks, useAttacks } from './attack-store.ts';

const result = (id: string) => ({
  id,
  verdict: 'refused',
  wire: 'closed',
  expectedWire: 'closed',
  layer: 'TLS handshake',
  reason: 'X',
  source: { file: 'x.ts', line: 1 },
  problems: [],
  tookMs: 1,
});

/** Answers as the console would; notes which attacks were asked for. */
function answer(with_: (id: string) => Response | Promise<Response>): string[] {
  const asked: string[] = [];
  mock.method(globalThis, 'fetch', async (path: string) => {
    if (path === '/api/session') return Response.json({ token: 't', version: '1', traceLinks: false });
    const id = path.slice('/api/attacks/'.length);
    asked.push(id);
    return with_(id);
  });
  return asked;
}

beforeEach(() => {
  mock.restoreAll();
  useAttacks.setState({ runs: {} });
});

const stateOf = (id: string) => useAttacks.getState().runs[id]?.state;

test('all are run one after the other, and their results stay', async () => {
  let running = 0;
  const asked = answer(async (id) => {
    running += 1;
    assert.equal(running, 1);
    await Promise.resolve();
    running -= 1;
    return Response.json(result(id));
  });
  await runAll('All', ['a', 'b', 'c']);
  assert.deepEqual(asked, ['a', 'b', 'c']);
  assert.deepEqual(['a', 'b', 'c'].map(stateOf), ['done', 'done', 'done']);
  assert.equal(useAttacks.getState().queue, undefined);
});

test('a stop lets the present one end and begins no other', async () => {
  const asked = answer((id) => {
    stopAttacks();
    return Response.json(result(id));
  });
  await runAll('All', ['a', 'b']);
  assert.deepEqual(asked, ['a']);
  assert.equal(stateOf('a'), 'done');
});

test('one that could not be tried does not end the others', async () => {
  answer((id) =>
    id === 'a' ? Response.json({ status: 404, detail: 'no such attack' }, { status: 404 }) : Response.json(result(id)),
  );
  await runAll('All', ['a', 'b']);
  assert.deepEqual(['a', 'b'].map(stateOf), ['failed', 'done']);
});

test('a system that is away ends them', async () => {
  const asked = answer(() => Response.json({ status: 503, detail: 'away' }, { status: 503 }));
  await runAll('All', ['a', 'b']);
  assert.deepEqual(asked, ['a']);
});

test('a second queue is not begun beside the first', async () => {
  const asked = answer((id) => Response.json(result(id)));
  await Promise.all([runAll('All', ['a']), runAll('All', ['b'])]);
  assert.deepEqual(asked, ['a']);
});

test('one that runs is not run twice at once', async () => {
  const asked = answer((id) => Response.json(result(id)));
  await Promise.all([runAttack('a'), runAttack('a')]);
  assert.deepEqual(asked, ['a']);
});
