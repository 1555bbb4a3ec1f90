/**
 * One compiled policy with its data, in memory, evaluated synchronously. All that `@open-policy-agent/opa-wasm` leaves to
 * its caller is settled here: it throws strings, evaluates without input when the input does not parse, and its instance
 * is in no known state after a trap.
 */
import { createRequire } from 'node:module';
import { quote } from '@countersign/spiffe-tls';
import type { LoadedPolicy } from '@open-policy-agent/opa-wasm';
import { missingBuiltins } from './builtins.ts';
import { ENTRYPOINT } from './bundle/manifest.ts';
import type { PolicyBundle } from './bundle/policy-bundle.ts';
import { AuthzError } from './errors.ts';
import { type Grants, type PolicyInput, type PolicyResult, parsePolicyResult } from './policy-document.ts';

/** A policy that answered its smoke queries. */
export interface PolicyModule {
  readonly revision: string;
  readonly grants: Grants;
  /** @throws {AuthzError} `INPUT_INVALID` when too large, `POLICY_FAILED`, `RESULT_INVALID`. */
  evaluate(input: PolicyInput): PolicyResult;
}

// The types promise `loadPolicySync` by name, the package's ES module has `loadPolicy` alone: its CommonJS has both.
const { loadPolicySync }: typeof import('@open-policy-agent/opa-wasm') = createRequire(import.meta.url)(
  '@open-policy-agent/opa-wasm',
);

const MAX_INPUT_BYTES = 64 * 1024;
const PAGE_BYTES = 64 * 1024;
/** Measured: 7 MB of grants take 47 MB. Memory set aside at once makes loading five times faster than growing into it. */
const MEMORY_PER_DATA_BYTE = 7;
/** What evaluations may take on top; an evaluation takes some kilobytes, and each begins with the same empty heap. */
const HEAP_PAGES = 256;
const encoder = new TextEncoder();

/**
 * Instantiates a bundle and asks it what it must refuse.
 * @throws {AuthzError} `BUNDLE_INVALID` when it does not run, or answers the smoke queries with anything but a refusal;
 * `BUILTIN_MISSING` when it needs a function that the evaluator does not have.
 */
export function createPolicyModule(bundle: PolicyBundle): PolicyModule {
  let instance: LoadedPolicy | undefined = instantiate(bundle);
  const ask = (bytes: ArrayBuffer | undefined): PolicyResult => {
    instance ??= instantiate(bundle);
    let results: unknown;
    try {
      results = instance.evaluate(bytes, ENTRYPOINT);
    } catch (cause) {
      // After a trap nothing is known about the instance's memory: the next evaluation gets a new one.
      instance = undefined;
      throw new AuthzError('POLICY_FAILED', `policy: the evaluation ended with ${quote(messageOf(cause))}`, { cause });
    }
    return parsePolicyResult(onlyResult(results));
  };
  smoke(ask);
  return {
    revision: bundle.revision,
    grants: bundle.data.grants,
    evaluate: (input) => withInput(ask(encode(input))),
  };
}

function instantiate({ module, data, dataBytes }: PolicyBundle): LoadedPolicy {
  const initial = HEAP_PAGES + Math.ceil((dataBytes * MEMORY_PER_DATA_BYTE) / PAGE_BYTES);
  try {
    const policy = loadPolicySync(module, { initial, maximum: 4 * initial });
    if (typeof policy.minorVersion !== 'number' || policy.minorVersion < 2)
      throw new Error(`ABI 1.2 or later is needed, got 1.${String(policy.minorVersion)}`);
    // Always into a new instance: a failed or repeated `setData` leaves half of it behind.
    policy.setData(data);
    refuseMissingBuiltins(policy);
    return policy;
  } catch (cause) {
    if (cause instanceof AuthzError) throw cause;
    throw new AuthzError('BUNDLE_INVALID', `policy bundle: the module does not start: ${quote(messageOf(cause))}`, {
      cause,
    });
  }
}

function refuseMissingBuiltins(policy: LoadedPolicy): void {
  const missing = missingBuiltins(policy);
  if (missing.length === 0) return;
  const names = missing.map((name) => quote(name)).join(', ');
  throw new AuthzError('BUILTIN_MISSING', `policy bundle: the rules must not call ${names}: WebAssembly has it not`);
}

/** ZERO TRUST: a policy that allows a nobody, or allows without having been asked, is not taken into use. */
function smoke(ask: (bytes: ArrayBuffer | undefined) => PolicyResult): void {
  const questions: [asked: string, bytes: ArrayBuffer | undefined][] = [
    ['no input at all', undefined],
    ['a peer that nobody is', encode(NOBODY)],
    ['a peer that nobody is, with a caller chain', encode({ ...NOBODY, chain: CHAIN })],
  ];
  for (const [asked, bytes] of questions) {
    let result: PolicyResult;
    try {
      result = ask(bytes);
    } catch (cause) {
      throw new AuthzError('BUNDLE_INVALID', `policy bundle: must decide about ${asked}`, { cause });
    }
    if (result.allow) throw new AuthzError('BUNDLE_INVALID', `policy bundle: must refuse ${asked}`);
  }
}

const NOBODY: PolicyInput = {
  transport: 'grpc',
  operation: '/smoke.Test/Test',
  grpc: { service: 'smoke.Test', method: 'Test' },
  self: { spiffe_id: 'spiffe://smoke.invalid/self' },
  peer: { spiffe_id: 'spiffe://smoke.invalid/peer', trust_domain: 'smoke.invalid', path: ['peer'] },
  chain: [],
  time: '1970-01-01T00:00:00Z',
};

const CHAIN: PolicyInput['chain'] = [
  { spiffe_id: 'spiffe://smoke.invalid/origin', act: 'GET /smoke', issued_at: '1970-01-01T00:00:00Z' },
  { spiffe_id: 'spiffe://smoke.invalid/peer', act: '/smoke.Test/Test', issued_at: '1970-01-01T00:00:00Z' },
];

/** Bytes as an `ArrayBuffer` of exactly that length: a `Buffer` or `Uint8Array` would be taken for an object. */
function encode(input: PolicyInput): ArrayBuffer {
  const bytes = encoder.encode(stringify(input));
  if (bytes.byteLength > MAX_INPUT_BYTES)
    throw new AuthzError('INPUT_INVALID', `policy input: at most ${MAX_INPUT_BYTES} bytes, got ${bytes.byteLength}`);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function stringify(input: PolicyInput): string {
  try {
    return JSON.stringify(input);
  } catch (cause) {
    // A resource's attributes come from the service's own code: cyclic, a bigint, or too deep.
    throw new AuthzError('INPUT_INVALID', 'policy input: must be JSON', { cause });
  }
}

function onlyResult(results: unknown): unknown {
  const only: unknown = Array.isArray(results) && results.length === 1 ? results[0] : undefined;
  if (typeof only === 'object' && only !== null && 'result' in only) return only.result;
  throw new AuthzError('RESULT_INVALID', 'policy result: there must be exactly one');
}

/** An input was sent: a policy that says there was none could not read it, and its refusal is not about this call. */
function withInput(result: PolicyResult): PolicyResult {
  if (result.reason === 'input-missing')
    throw new AuthzError('POLICY_FAILED', 'policy: the input did not reach the evaluation');
  return result;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
