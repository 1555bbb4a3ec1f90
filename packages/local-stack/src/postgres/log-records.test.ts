import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { createPostgresLogReader } from './log-records.ts';

const identities = loadIdentities();
const { spiffeId, dnsName } = identities.workload('auditor');

/** What PostgreSQL says of one session: whose certificate it saw, and that it let the session in. */
function peerOf(identity: string): unknown {
  const { read } = createPostgresLogReader(identities);
  const line = (message: string) =>
    JSON.stringify({ session_id: '1', message, user: 'orders_ro', remote_host: '127.0.0.1', remote_port: 1 });
  read(line(`connection authenticated: identity="${identity}" method=cert (pg_hba.conf:1)`));
  const record = read(line('connection authorized: user=orders_ro'));
  return record?.event === 'authenticated' ? record.peer : undefined;
}

for (const [name, identity, peer] of [
  ['a common name alone', `CN=${dnsName}`, spiffeId],
  ["SPIRE's subject", `CN=${dnsName},O=SPIRE,C=US`, spiffeId],
  ['several names in one', `CN=${dnsName}+OU=x,O=SPIRE`, spiffeId],
  ['a longer name', `CN=${dnsName}.evil.example`, `${dnsName}.evil.example`],
  ['an escaped comma, which ends no name', `CN=${dnsName}\\,O=x`, `${dnsName}\\`],
  ['no common name first', `O=x,CN=${dnsName}`, undefined],
] as const) {
  test(`the peer of a session whose certificate has ${name}`, () => assert.equal(peerOf(identity), peer));
}
