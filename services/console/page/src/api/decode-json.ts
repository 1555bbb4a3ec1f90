/** Text that is to be JSON of a certain shape. */
import type { Decoder } from './decode.ts';

/** @throws when it is no JSON, or of another shape */
export function decodeJson<T>(json: string, decoder: Decoder<T>): T {
  const value: unknown = JSON.parse(json);
  return decoder(value, '');
}
