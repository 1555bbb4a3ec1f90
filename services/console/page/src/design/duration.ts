/** Spans of time as text. */

/** `42:10`, `1:02:03`; for what is over `0:00`. */
export function countdown(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

/** As {@link countdown} below an hour, from there on `1 h 02`, `2 d 03`: never longer than five characters or so. */
export function briefly(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return countdown(ms);
  const [large, small, unit] = minutes < 24 * 60 ? [60, 1, 'h'] : [24 * 60, 60, 'd'];
  return `${Math.floor(minutes / large)} ${unit} ${String(Math.floor((minutes % large) / small)).padStart(2, '0')}`;
}

/** `12 seconds`, `3 minutes`, `2 hours`, `5 days`: for sentences. */
export function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return plural(seconds, 'second');
  if (seconds < 90 * 60) return plural(Math.round(seconds / 60), 'minute');
  if (seconds < 48 * 3600) return plural(Math.round(seconds / 3600), 'hour');
  return plural(Math.round(seconds / 86_400), 'day');
}

/** `0.42 ms`, `8.3 ms`, `120 ms`, `1.2 s`. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 100) return `${Math.round(ms)} ms`;
  return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

/** `1 order`, `2 orders`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
