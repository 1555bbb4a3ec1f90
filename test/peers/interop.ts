/**
 * One exchange with a real peer, as a test and as a row of docs/reference/interop.md. A row is written only by a test that
 * passed, with what the test saw.
 */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

/** The other program. */
export interface PeerProgram {
  /** As its project writes it: `go-spiffe`. */
  readonly name: string;
  /** As far as another machine would have it too: `2.9.0`; for a distribution's package `3.0`. */
  readonly version: string;
}

/** What is tried. */
export interface Exchange {
  readonly peer: PeerProgram;
  /** Our side of it: `HTTPS client`, `gRPC server`, `Workload API`, `JWT-SVID validation`, `bundle endpoint`. */
  readonly ours: string;
  /** What is exchanged, in a few words: `mTLS, one request`. */
  readonly what: string;
  /** What has to come of it. */
  readonly expected: 'accept' | 'refuse';
}

/** An exchange with what came of it: `spiffe://example.org/client` accepted, or the code and reason of a refusal. */
export interface InteropRecord extends Exchange {
  readonly result: string;
}

/** A test whose body returns what it saw, once it has asserted it. */
export function interopTest(exchange: Exchange, body: (t: TestContext) => Promise<string>): void {
  const { peer, ours, what, expected } = exchange;
  test(`${peer.name} ${peer.version}: our ${ours}, ${what}: ${expected}`, async (t) => {
    const result = await body(t);
    assert.ok(result.length > 0, 'a row says what was seen');
    record({ ...exchange, result });
  });
}

function record(record: InteropRecord): void {
  const { COUNTERSIGN_INTEROP_RECORDS: directory } = process.env;
  assert.ok(directory, 'these tests are run by: npm run test:peers');
  appendFileSync(join(directory, `${process.pid}.jsonl`), `${JSON.stringify(record)}\n`);
}

/** Path of a program that `npm run peers` builds or finds. */
export function peerProgram(name: string): string {
  const program = process.env[`COUNTERSIGN_PEER_${name.toUpperCase().replaceAll('-', '_')}`];
  assert.ok(program, `${name} is missing: npm run peers -- ${name}`);
  return program;
}
