/**
 * What the tests of the Workload API source share: a CA with some SVIDs, and a source beside a server that obeys the test.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createManualClock, createTestCa, type ManualClock } from '@countersign/testkit';
import { createExponentialBackoff } from '../src/backoff.ts';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from '../src/errors.ts';
import {
  createWorkloadApiX509Source,
  type WorkloadApiX509Source,
  type WorkloadApiX509SourceOptions,
} from '../src/workload-api-source.ts';
import type { X509Source, X509SourceEvent } from '../src/x509-source.ts';
import { createFakeWorkloadApi, type FakeCall, type FakeWorkloadApi } from './fake-workload-api.ts';
import { svidEntry, svidMessage } from './workload-messages.ts';

export const ca = await createTestCa({ trustDomain: 'example.org' });
export const web = await ca.issue({ path: '/web' });
/** The same identity, issued again. */
export const renewed = await ca.issue({ path: '/web' });
export const job = await ca.issue({ path: '/job' });

/** A source, its clock and server, and the events it has told. */
export interface SourceSetup {
  readonly api: FakeWorkloadApi;
  readonly clock: ManualClock;
  readonly source: WorkloadApiX509Source;
  readonly events: X509SourceEvent[];
}

/** A source that is waiting for its first message. */
export async function setUp(context: TestContext, options: WorkloadApiX509SourceOptions = {}): Promise<SourceSetup> {
  const api = await createFakeWorkloadApi();
  const clock = createManualClock();
  const backoff = createExponentialBackoff({ random: () => 1 });
  const source = createWorkloadApiX509Source({ endpoint: api.endpoint, clock, backoff, ...options });
  context.after(async () => {
    source.close();
    await api.close();
  });
  const events: X509SourceEvent[] = [];
  source.subscribe((event) => events.push(event));
  return { api, clock, source, events };
}

/** A source that has its first identity, with the call that gave it. */
export async function setUpReady(
  context: TestContext,
  options: WorkloadApiX509SourceOptions = {},
): Promise<SourceSetup & { call: FakeCall }> {
  const setup = await setUp(context, options);
  const call = await setup.api.nextCall();
  call.send(svidMessage(svidEntry(ca, web)));
  await setup.source.ready();
  return { ...setup, call };
}

/** The next event of a kind. Ask before causing it. */
export function nextEvent<Type extends X509SourceEvent['type']>(
  source: X509Source,
  type: Type,
): Promise<Extract<X509SourceEvent, { type: Type }>> {
  return new Promise((resolve) => {
    const stop = source.subscribe((event) => {
      if (!isOfType(event, type)) return;
      stop();
      resolve(event);
    });
  });
}

function isOfType<Type extends X509SourceEvent['type']>(
  event: X509SourceEvent,
  type: Type,
): event is Extract<X509SourceEvent, { type: Type }> {
  return event.type === type;
}

/** Of the SVID in use. */
export function serialInUse(source: X509Source): string {
  return source.current().svid.leaf.serialNumber;
}

/** The code of the error that reading ends with. */
export function codeOf(read: () => unknown): SpiffeTlsErrorCode | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SpiffeTlsError);
    return error.code;
  }
}
