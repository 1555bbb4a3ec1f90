/**
 * Issues JWT-SVIDs with whatever key is active, and remembers when the last of them ends: until then a key that was
 * relieved stays published.
 */
import type { Authorities } from './authorities.ts';
import type { JwtAuthority, JwtKey } from './jwt-authority.ts';
import type { Settings } from './options.ts';

type JwtSettings = Pick<Settings, 'clock' | 'jwtTtlMs' | 'jwtIssuer'>;

/** The issuer of one trust domain. */
export class JwtIssuer {
  readonly #settings: JwtSettings;
  readonly #authorities: Authorities<JwtAuthority, JwtKey>;
  #lastExpiryMs = 0;

  constructor(settings: JwtSettings, authorities: Authorities<JwtAuthority, JwtKey>) {
    this.#settings = settings;
    this.#authorities = authorities;
  }

  /** When the last token issued so far ends. */
  get lastExpiryMs(): number {
    return this.#lastExpiryMs;
  }

  /** A token in compact serialization. */
  async issue(spiffeId: string, audience: readonly string[]): Promise<string> {
    const { clock, jwtTtlMs: ttlMs, jwtIssuer: issuer } = this.#settings;
    const request = { spiffeId, audience, nowMs: clock.now(), ttlMs, ...(issuer === undefined ? {} : { issuer }) };
    const authority = this.#authorities.active;
    // Before the signature is waited for: a rotation in between has to know of this token.
    this.#lastExpiryMs = Math.max(this.#lastExpiryMs, authority.expiryOf(request));
    const { token } = await authority.issue(request);
    return token;
  }
}
