/** What our servers of both transports are made of, layer by layer. */
import { createSpiffeAuthorizer, type GuardOptions } from '@countersign/authz';
import { createChainVerifier } from '@countersign/caller-chain';
import {
  createReadiness,
  decisionLogSettings,
  loadConfig,
  policySettings,
  startPolicy,
} from '@countersign/service-kit';
import type { Authorizer, X509Source } from '@countersign/spiffe-tls';
import type { Logger } from '@countersign/telemetry';
import { type Credentials, createSource, ownIdOf } from './credentials.ts';
import { hasLayer, type Side } from './plan.ts';
import type { TimedPolicy } from './policy.ts';
import { startTelling } from './told.ts';

/** The parts of one server of ours. */
export interface OurServer {
  readonly source: X509Source;
  readonly authorize: Authorizer;
  /** Absent where the adapter stands alone. */
  readonly guard?: GuardOptions;
  /** Where there is telemetry. */
  readonly logger?: Logger;
}

export async function createOurServer(credentials: Credentials, side: Side, policy: TimedPolicy): Promise<OurServer> {
  const source = createSource(credentials);
  const { engine } = policy;
  const authorize = createSpiffeAuthorizer(engine, credentials.spiffeId);
  if (!hasLayer(side, 'guard')) return { source, authorize };
  const self = () => ownIdOf(credentials);
  if (!hasLayer(side, 'chain')) return { source, authorize, guard: { engine, self } };
  if (!hasLayer(side, 'telemetry'))
    return { source, authorize, guard: { engine, self, chain: createChainVerifier({ source }) } };
  // As a service starts it: its decisions become log lines, span attributes and metrics.
  const logger = startTelling('backend', source);
  const readiness = createReadiness(() => {});
  const config = loadConfig({ ...decisionLogSettings, ...policySettings }, { env: {}, args: [] });
  const started = await startPolicy({
    name: 'backend',
    config,
    source,
    readiness,
    logger,
    development: false,
    atEnd() {},
  });
  return { source, authorize, guard: { ...started.guard, engine }, logger };
}
