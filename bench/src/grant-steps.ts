/** What a decision takes as grants become many: it is looked up, so it should take the same. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPolicyEngine, type Grants, type PolicyEngine } from '@countersign/authz';
import { bundlePath } from './policy.ts';
import { type StepFigures, summarizeStep } from './step-figures.ts';

const SELF = 'spiffe://bench.example/server';
const OPERATION = 'GET /things';

/** Callers of one server, each with one grant. */
export interface GrantCase {
  readonly grants: number;
  readonly samples: number;
}

export async function measureGrants({ grants, samples }: GrantCase): Promise<StepFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-grants-'));
  try {
    mkdirSync(join(folder, 'grants'));
    writeFileSync(join(folder, 'grants/data.json'), JSON.stringify(grantsOf(grants)));
    const engine = await createPolicyEngine({ bundlePath, dataPath: folder });
    const figures = summarizeStep(`policy decision among ${grants} grants`, timesOf(engine, grants, samples));
    engine.close();
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function grantsOf(count: number): Grants {
  const callers = Array.from({ length: count }, (_, index) => [callerAt(index), { [OPERATION]: {} }] as const);
  return { [SELF]: Object.fromEntries(callers) };
}

function callerAt(index: number): string {
  return `spiffe://bench.example/caller-${index}`;
}

/** Another caller each time, all over the data. */
function timesOf(engine: PolicyEngine, grants: number, samples: number): number[] {
  const time = new Date().toISOString();
  return Array.from({ length: samples }, (_, sample) => {
    const caller = callerAt((sample * 7_919) % grants);
    const peer = {
      spiffe_id: caller,
      trust_domain: 'bench.example',
      path: [caller.slice(caller.lastIndexOf('/') + 1)],
    };
    const http = { method: 'GET', path: ['things'] };
    const input = {
      transport: 'http',
      operation: OPERATION,
      http,
      self: { spiffe_id: SELF },
      peer,
      chain: [],
      time,
    } as const;
    const startedNs = process.hrtime.bigint();
    const { allow, reason } = engine.decide(input);
    const us = Number(process.hrtime.bigint() - startedNs) / 1_000;
    if (!allow) throw new Error(`bench: ${caller} must be granted the call, got ${reason}`);
    return us;
  });
}
