/**
 * Finds the OPA binary: on PATH when its version fits, else in the cache folder, else builds it there when Go is at hand.
 * Only `npm run policy:check` and the compiled bundle's generator need it; services evaluate the committed WASM.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toolFolder } from './tool-cache.mjs';

const VERSION = '1.22.2';
/** The compiled WASM differs from one minor version to the next, so only patches of this one may stand in. */
const FITTING = /^Version: 1\.22\.\d+$/m;

/** The folder that holds the binary when it is not on PATH: outside the checkout, keyed by version. */
function opaFolder(env = process.env) {
  return toolFolder('opa', VERSION, env);
}

/** Path of a fitting binary. Throws an error that says what to do when there is none and none can be built. */
export function findOpa(env = process.env) {
  const cached = join(opaFolder(env), process.platform === 'win32' ? 'opa.exe' : 'opa');
  for (const candidate of ['opa', cached]) if (fits(candidate, env)) return candidate;
  build(opaFolder(env), env);
  if (fits(cached, env)) return cached;
  throw new Error(`opa: the binary that go built does not answer "version": ${cached}`);
}

function fits(binary, env) {
  const result = spawnSync(binary, ['version'], { encoding: 'utf8', env });
  return result.status === 0 && FITTING.test(result.stdout);
}

function build(folder, env) {
  mkdirSync(folder, { recursive: true });
  console.error(`opa ${VERSION} is not on PATH: building it with go, once, into ${folder} (some minutes)`);
  const args = ['install', '-trimpath', '-ldflags=-s -w', `github.com/open-policy-agent/opa@v${VERSION}`];
  const result = spawnSync('go', args, { stdio: 'inherit', env: { ...env, GOBIN: folder } });
  if (result.status === 0) return;
  const why = result.error ? 'Go is not installed' : `go install ended with ${result.status ?? result.signal}`;
  throw new Error(
    `opa: needs OPA ${VERSION} on PATH (https://www.openpolicyagent.org/docs#running-opa), or Go to build it; ${why}`,
  );
}
