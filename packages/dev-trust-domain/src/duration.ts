/**
 * Durations as people write them: `500ms`, `30s`, `5m`, `1h`, `7d`.
 */
import { quote } from '@countersign/spiffe-tls';
import { DevTrustDomainError } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds of a duration.
 * @param name of the flag, for the message
 * @throws {DevTrustDomainError} `CONFIGURATION`.
 */
export function parseDuration(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ''];
  if (unit === undefined)
    throw new DevTrustDomainError(
      'CONFIGURATION',
      `${name}: must be a duration such as 30s, 5m or 1h, got ${quote(text)}`,
    );
  return Number(match?.[1]) * unit;
}

/** A duration in its two largest units: `4m 12s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ].filter(([amount]) => amount !== 0);
  const text = parts.slice(0, 2).map(([amount, unit]) => `${amount}${unit}`);
  return text.length === 0 ? '0s' : text.join(' ');
}
