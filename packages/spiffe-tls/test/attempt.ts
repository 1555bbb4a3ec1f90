/**
 * What property tests ask of every parser: a value, or a refusal with one of its codes, and nothing else. Only tests import it.
 */
import assert from 'node:assert/strict';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from '../src/errors.ts';

/** The value; `undefined` when it was refused with one of `codes`. Anything else thrown fails the test. */
export function attempt<Value>(codes: readonly SpiffeTlsErrorCode[], read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof SpiffeTlsError, `no refusal but ${error instanceof Error ? error.stack : error}`);
    assert.ok(codes.includes(error.code), `${error.code} is none of ${codes.join(', ')}: ${error.message}`);
    // A refusal quotes and cuts, so that what was sent can't flood a log.
    assert.ok(error.message.length < 1000, error.message);
    return undefined;
  }
}
