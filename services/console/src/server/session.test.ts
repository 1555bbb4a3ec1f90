import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LocalStackError, type StackDescription } from '@countersign/local-stack/control';
import { createSession } from './session.ts';

const base = { token: 't', version: '1', customerUrl: undefined, traceLinks: false };
const session = (describeStack: () => Promise<StackDescription>) =>
  createSession({ ...base, control: { describe: describeStack }, describeMs: 5 })();

describe('a session', () => {
  it('without a control: the page watches', async () => {
    const customerUrl = new URL('http://127.0.0.1:8080');
    assert.deepEqual(await createSession({ ...base, customerUrl, control: undefined })(), {
      token: 't',
      version: '1',
      customerUrl: 'http://127.0.0.1:8080',
      traceLinks: false,
    });
  });

  it('with a control that fails, or does not answer: the same', async () => {
    const fails = () => Promise.reject(new LocalStackError('NOT_RUNNING', 'nobody listens'));
    const hangs = () => new Promise<StackDescription>(() => {});
    for (const way of [fails, hangs]) assert.equal('stack' in (await session(way)), false);
  });
});
