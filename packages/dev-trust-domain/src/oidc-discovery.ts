/**
 * JWT-SVIDs for ordinary OIDC verifiers: the discovery document and the key set that they ask an issuer for (OpenID Connect
 * Discovery 1.0, sections 3 and 4). They know nothing of SPIFFE bundles, so they find the same keys here in the web's form.
 */
import { quote } from '@countersign/spiffe-tls';
import { DevTrustDomainError } from './errors.ts';
import { JWT_ALGORITHMS, type JwtKey } from './jwt-authority.ts';

/** Where verifiers look, relative to the issuer. */
export const DISCOVERY_PATH = '/.well-known/openid-configuration';
/** Where the keys are. */
export const KEYS_PATH = '/keys';

/**
 * Checks the address that tokens name as their `iss`: `https:`, a host, and nothing behind it, so that the documents are at the
 * root of one endpoint.
 * @throws {DevTrustDomainError} `CONFIGURATION`
 */
export function parseIssuer(text: string): string {
  if (URL.canParse(text) && /^https:\/\/[^/?#@]+$/.test(text)) return text;
  const rule = 'jwtIssuer must be an https address without path, such as https://localhost:8444';
  throw new DevTrustDomainError('CONFIGURATION', `options: ${rule}, got ${quote(text)}`);
}

/** The document at {@link DISCOVERY_PATH}. Nobody logs in here, so only what verifiers of tokens read has a meaning. */
export function toDiscoveryDocument(issuer: string): string {
  return JSON.stringify({
    issuer,
    jwks_uri: `${issuer}${KEYS_PATH}`,
    authorization_endpoint: '',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: JWT_ALGORITHMS,
  });
}

/** The document at {@link KEYS_PATH}: `use` in the web's words, which `jwt-svid` is not. */
export function toOidcKeys(keys: readonly JwtKey[]): string {
  return JSON.stringify({
    keys: keys.map((key) => ({ ...key, use: 'sig', alg: key.kty === 'RSA' ? 'RS256' : 'ES256' })),
  });
}
