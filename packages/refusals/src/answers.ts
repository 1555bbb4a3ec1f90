/** Refusals by handlers, which have a verified and allowed caller, and by the edge, where calls begin without one. */
import type { RefusalRow, RefusalTable, WireEffect } from './refusal-row.ts';

const answer = (http: number, grpc: string | undefined, rule: string, remedy: string): RefusalRow => {
  const sees: WireEffect = grpc === undefined ? { http } : { http, grpc };
  return { rule, sees, remedy };
};

const LATER = 'Try again later; the log of the service named in `hops` or of the trace says what failed.';

/** Refusals of what a request says, or of what is behind it. */
export const HANDLER = {
  FIELD_INVALID: {
    ...answer(400, 'INVALID_ARGUMENT', 'every field keeps its rule', 'Correct the field that the answer names.'),
    expected: "the field and its rule; the value is not logged, because it is the caller's",
  },
  INVALID_ARGUMENT: answer(400, 'INVALID_ARGUMENT', 'every parameter is given once', 'Give each parameter once.'),
  CONTENT_TYPE_UNSUPPORTED: answer(415, undefined, 'a body is JSON', 'Send `content-type: application/json`.'),
  JSON_MALFORMED: answer(400, undefined, 'a body is valid JSON', 'Check it with `jq .`.'),
  BODY_TOO_LARGE: answer(
    413,
    undefined,
    'a body is no longer than the answer says (16 KiB for an order)',
    'Send less.',
  ),
  ENCODING_UNSUPPORTED: answer(415, undefined, 'a body is UTF-8, not compressed', 'Send it as it is.'),
  BODY_INCOMPLETE: answer(400, undefined, 'a body arrives whole', 'The client gave up, or `content-length` is wrong.'),
  ORDER_NOT_FOUND: answer(404, 'NOT_FOUND', 'the order exists', 'Check its ID: `GET /api/orders` lists all.'),
  IDEMPOTENCY_KEY_REUSED: answer(
    409,
    'ALREADY_EXISTS',
    'an idempotency key is used with one body',
    'A new order needs a new key.',
  ),
  UNAUTHENTICATED: answer(
    401,
    'UNAUTHENTICATED',
    'the connection is still verified when the handler needs its peer',
    "The peer's SVID expired meanwhile: connect anew.",
  ),
  DATABASE_REFUSED: answer(
    403,
    'PERMISSION_DENIED',
    'the database role may do this',
    'The role of this service lacks the right: compare `postgresRole` in identities.json with the migrations.',
  ),
  DATABASE_TIMEOUT: answer(504, 'DEADLINE_EXCEEDED', 'the database answers in time', LATER),
  DATABASE_CONFLICT: answer(503, 'UNAVAILABLE', 'transactions do not get in their way', 'Try again.'),
  DATABASE_UNAVAILABLE: answer(
    503,
    'UNAVAILABLE',
    'the database can be reached and accepts this service',
    'Look for `event: refused` in postgres.log; `npm run doctor` compares certificate and pg_ident.',
  ),
  UNAVAILABLE: answer(
    503,
    'UNAVAILABLE',
    'the next service can be reached, and is who it must be',
    'Look for `event: refused` in the log of both sides, and at `/readyz` of the next service: `npm run doctor`.',
  ),
  DEADLINE_EXCEEDED: answer(504, 'DEADLINE_EXCEEDED', 'the answer comes in time', LATER),
  BAD_ANSWER: answer(502, undefined, 'the next service answers as its contract says', LATER),
} as const satisfies RefusalTable;

/** Refusals at the plain ports, the customer's and the development console's: what a browser can be made to do against them. */
export const EDGE = {
  HOST_NOT_SERVED: {
    ...answer(
      421,
      undefined,
      'the Host header names a host that is served here',
      'Use `http://127.0.0.1` or `localhost`, or add the name to `ALLOWED_HOSTS`.',
    ),
    expected: 'the names that are served',
    got: 'the header, quoted and cut',
  },
  CROSS_SITE_REQUEST: {
    ...answer(
      403,
      undefined,
      'no other site started the request',
      'Call it from its own page, or from a program that sends no `Sec-Fetch-Site`.',
    ),
    expected: '`same-origin` or `none`',
    got: '`Sec-Fetch-Site`',
  },
  ORIGIN_NOT_ALLOWED: {
    ...answer(403, undefined, 'what changes state has the own origin', 'Call it from its own page.'),
    expected: 'the own origin',
    got: 'the Origin header, quoted and cut',
  },
  TOKEN_INVALID: {
    ...answer(
      403,
      undefined,
      "what changes state brings the console's token",
      'Load the page again: the token is new at each start of the console.',
    ),
    expected: 'the token of `GET /api/session` in `x-console-token`',
    got: '`none` or `another one`, never the value',
  },
  BROWSER_REFUSED: {
    ...answer(
      403,
      undefined,
      'telemetry comes from programs',
      'Send it from a program: no page has telemetry to send.',
    ),
    expected: 'neither `Origin` nor Fetch metadata',
    got: 'the header that gave it away, quoted and cut',
  },
  NOT_CONNECTED: answer(
    503,
    undefined,
    'the console was told where that is',
    'Start it with the variable that the answer names; `npm start` does.',
  ),
  PATH_MALFORMED: answer(400, undefined, 'the path can be decoded', 'Encode each segment as UTF-8, once.'),
  TOO_MANY_STREAMS: answer(503, undefined, 'no more streams are open than allowed', 'Close some, then try again.'),
} as const satisfies RefusalTable;
