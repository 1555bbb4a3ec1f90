/**
 * JWT-SVIDs fetched and validated all the time, by both ways of validation: offline against the bundles that the Workload
 * API streams, and by the Workload API itself. Keeps what failed.
 */
import {
  createWorkloadApiJwtBundleSource,
  fetchJwtSvid,
  type JwtSvid,
  validateJwtSvid,
  validateJwtSvidByWorkloadApi,
  type WorkloadApiJwtBundleSource,
} from '@countersign/spiffe-tls';

const AUDIENCE = 'orders';

/** A token with the key that signed it. */
export interface SignedToken {
  readonly token: string;
  readonly keyId: string;
}

/** The loop. */
export interface JwtLoop {
  readonly bundles: WorkloadApiJwtBundleSource;
  readonly validated: number;
  readonly failures: readonly string[];
  /** Resolves with the first token, from now on, that another key than this one signed. */
  signedByOther(keyId: string): Promise<SignedToken>;
  /** Why a token is refused, by each way. */
  refusalsOf(token: string): Promise<{ offline: string; delegated: string }>;
  stop(): Promise<void>;
}

/** Starts the loop, at a Workload API that gives this process an identity. */
export async function startJwtLoop(endpoint: string): Promise<JwtLoop> {
  const bundles = createWorkloadApiJwtBundleSource({ endpoint });
  await bundles.ready();
  const offline = (token: string): JwtSvid =>
    validateJwtSvid(token, { audience: AUDIENCE, bundles, nowMs: Date.now() });
  const delegated = (token: string) => validateJwtSvidByWorkloadApi(token, { audience: AUDIENCE, endpoint });
  const failures: string[] = [];
  const waiting = new Set<(token: SignedToken) => void>();
  let stopped = false;
  let validated = 0;

  async function once(): Promise<void> {
    const svid = await fetchJwtSvid({ audience: AUDIENCE }, { endpoint });
    const token = svid.token();
    offline(token);
    await delegated(token);
    validated += 1;
    const signed = { token, keyId: keyIdOf(token) };
    for (const look of [...waiting]) look(signed);
  }

  const running = (async () => {
    while (!stopped) await once().catch((error: unknown) => failures.push(String(error)));
  })();
  return {
    bundles,
    get validated() {
      return validated;
    },
    failures,
    signedByOther: (keyId) =>
      new Promise((resolve) => {
        const look = (token: SignedToken) => {
          if (token.keyId === keyId) return;
          waiting.delete(look);
          resolve(token);
        };
        waiting.add(look);
      }),
    async refusalsOf(token) {
      const reason = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'none');
      const byUs = await Promise.resolve()
        .then(() => offline(token))
        .then(() => 'accepted', reason);
      return { offline: byUs, delegated: await delegated(token).then(() => 'accepted', reason) };
    },
    async stop() {
      stopped = true;
      await running;
      bundles.close();
    },
  };
}

function keyIdOf(token: string): string {
  const [header = ''] = token.split('.');
  // A token that was validated: its header is a JSON object with `kid`.
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
}
