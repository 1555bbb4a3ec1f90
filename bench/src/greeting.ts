/**
 * The work behind the TLS: the smallest call of the real system, `GET /hello` and `SayHello`. The answer is the same text for
 * every variant, and each client checks it.
 */

/** What both transports answer to a caller. */
export function greetingFor(peerId: string): string {
  return `Hello ${peerId} from the server`;
}
