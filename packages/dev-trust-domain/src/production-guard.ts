/**
 * Whoever can open a socket gets an identity, and the CA's key lies in a file or in this process: no more than a laptop may
 * bear. The one place beside the programs that reads the environment by itself, so that forgetting to hand it on does not
 * switch the guard off.
 */
import { DevTrustDomainError } from './errors.ts';

/** What the guard looks at: see `DevTrustDomainOptions`. */
export interface ProductionGuardOptions {
  readonly allowProduction?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Does nothing, unless the environment says that this is production.
 * @throws {DevTrustDomainError} `PRODUCTION`
 */
export function refuseProduction({ allowProduction = false, env = process.env }: ProductionGuardOptions): void {
  const { NODE_ENV: environment } = env;
  if (environment !== 'production' || allowProduction) return;
  throw new DevTrustDomainError(
    'PRODUCTION',
    'development trust domain: refuses to run with NODE_ENV=production; use SPIRE there',
  );
}
