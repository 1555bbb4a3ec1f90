/** Refusals of a call by a guard: the peer, the caller chain and the policy, in the order in which they are asked. */
import type { RefusalRow, RefusalTable } from './refusal-row.ts';

const EXPLAIN = '`npm run policy -- explain <decision_id>`';

/** The connection has no verified peer. */
export const PEER = {
  PEER_NOT_VERIFIED: {
    rule: 'the connection has a verified peer, and its SVID is still valid',
    sees: { http: 401, grpc: 'UNAUTHENTICATED' },
    expected: 'a verified SPIFFE ID',
    got: 'none, or one that is no longer valid',
    remedy:
      'Connect anew with a valid X.509-SVID. If that is refused too, look for `event: refused` in the log of this service.',
  },
} as const satisfies RefusalTable;

const chain = (rule: string, expected: string, got: string, remedy: string): RefusalRow => ({
  rule,
  sees: { http: 401, grpc: 'UNAUTHENTICATED' },
  expected,
  got,
  remedy,
});

/** The caller chain that came along does not hold. */
export const CHAIN = {
  CHAIN_MALFORMED: chain(
    'the chain and its certificates can be read, and come together',
    'the rule that is broken',
    'the value, quoted and cut',
    'Does something between the services change or drop headers? The format is in docs/reference/caller-chain.md.',
  ),
  CHAIN_TOO_LARGE: chain(
    'the chain has no more links and bytes than allowed',
    'the bound',
    'the size',
    'Is there a loop of services? Otherwise raise `maxLinks` or `maxBytes` of the verifier.',
  ),
  CHAIN_SIGNATURE_INVALID: chain(
    "every link is signed by the key of its signer's certificate",
    'a signature that holds',
    'the link',
    'A forgery, or a header that was changed on the way: the peer in this line is who sent it.',
  ),
  CHAIN_SIGNER_UNTRUSTED: chain(
    "every signer's certificate verifies as a peer's does",
    'a valid SVID of its trust domain',
    'why it is not',
    "Did the signer's SVID expire, or is the bundle of its trust domain missing here? `npm run doctor`.",
  ),
  CHAIN_BROKEN: chain(
    'each link follows the one before: prev, aud, iss and txn fit together',
    'what the link before says',
    'what this link says',
    'The links are of different calls, or one was left out: the peer in this line put them together.',
  ),
  CHAIN_PEER_MISMATCH: chain(
    'the last link was signed by the peer of the connection',
    "the peer's SPIFFE ID",
    'the signer',
    'Somebody passes on a chain without signing a link of its own.',
  ),
  CHAIN_AUDIENCE_MISMATCH: chain(
    'the last link is for this service',
    "this service's SPIFFE ID",
    'the audience',
    'The chain was made for another service, or the caller expects another SPIFFE ID at this address.',
  ),
  CHAIN_ACT_MISMATCH: chain(
    'the last link is for this very operation',
    'method and path as they came',
    'what was signed',
    'The caller signed another call, or something between rewrites paths.',
  ),
  CHAIN_EXPIRED: chain(
    'every link is valid now',
    'the time of validity',
    'the time here',
    'Compare the clocks of signer and verifier (`npm run doctor`); a link lives 30 seconds.',
  ),
  CHAIN_REPLAYED: chain(
    'the last link was not seen before',
    'a link of its own for each attempt',
    'the link seen before',
    'A replay, or a client that sends the headers of its first attempt again: sign one link an attempt.',
  ),
  CHAIN_STORE_FULL: {
    ...chain(
      'there is room to remember the link until it expires',
      'room',
      'the bound',
      'More calls than `maxReplayEntries` allows within the life of a link: raise it, or add replicas.',
    ),
    sees: { http: 503, grpc: 'UNAVAILABLE' },
  },
  CHAIN_NOT_SIGNED: chain(
    'a link can be signed with the own SVID',
    'an SVID with a key that signs',
    'why there is none',
    'The calling side has no identity at the moment: `npm run doctor` there.',
  ),
} as const satisfies RefusalTable;

const DENIED_REASONS = {
  'input-missing': {
    rule: 'the policy was asked something',
    remedy: `A defect of the guard: please report it, with ${EXPLAIN}.`,
  },
  'operation-unmatched': {
    rule: 'the request is one of the operations of this service',
    remedy: 'Check method and path: routes are exact, in case and in the slash at the end.',
  },
  'input-inconsistent': {
    rule: 'what the policy was asked does not contradict itself',
    remedy: `The matched route does not fit the real path, or the peer's parts its ID: ${EXPLAIN} shows both.`,
  },
  'service-has-no-grants': {
    rule: 'some grant is for the service called',
    remedy: 'Does this service run under the SPIFFE ID that identities.json gives it? `npm run doctor` compares.',
  },
  'peer-has-no-grant': {
    rule: 'some grant for the service called names the peer',
    remedy: 'Add the call to the peer in identities.json and run `npm run generate`, if it should be allowed.',
  },
  'operation-not-granted': {
    rule: 'a grant for the peer names the operation',
    remedy: `Add the operation to the peer's calls in identities.json and run \`npm run generate\`, if it should be allowed; ${EXPLAIN} shows what it has.`,
  },
  'grant-not-understood': {
    rule: 'every part of the grant is known to the rules',
    remedy: 'A misspelt condition or obligation: correct the grant in identities.json, then `npm run generate`.',
  },
  'chain-required': {
    rule: 'the call carries a caller chain, where the grant asks for one',
    remedy:
      'The caller must pass on the chain it was called with, with a link of its own: a call without it can not say for whom it is made.',
  },
  'origin-not-allowed': {
    rule: "the chain's origin is one that the grant names",
    remedy:
      'Add the origin to `origins` of the grant in identities.json and run `npm run generate`, if it should be allowed.',
  },
  'no-rule-applies': {
    rule: 'some rule of the policy applies',
    remedy: `The policy's rules do not cover this case: ${EXPLAIN}.`,
  },
} as const;

/** The request can't be asked about, the policy says no, or nothing was decided. */
export const POLICY = {
  PATH_MALFORMED: {
    rule: 'the path can be told apart from every other',
    sees: { http: 400, grpc: 'INVALID_ARGUMENT' },
    expected: 'segments that decode once, to neither `/`, `.`, `..` nor control characters',
    got: 'another path',
    remedy: 'Encode each segment once, and send no empty, `.` or `..` segments.',
  },
  POLICY_DENIED: {
    rule: 'the policy allows the call',
    sees: { http: 403, grpc: 'PERMISSION_DENIED' },
    expected: 'a grant for the operation',
    got: 'the peer and what it asked for',
    remedy: `See \`reason\`; ${EXPLAIN} shows the rule and what would have to change.`,
    reasons: DENIED_REASONS,
  },
  POLICY_UNAVAILABLE: {
    rule: 'the policy is loaded, decides, and the decision can be recorded',
    sees: { http: 503, grpc: 'UNAVAILABLE' },
    expected: 'a decision',
    got: 'the code and message of what failed',
    remedy:
      '`/readyz` of this service says why the policy is not loaded; `npm run doctor` compares it with its sources.',
  },
} as const satisfies RefusalTable;
