/** PostgreSQL sees nothing of a certificate but its CN, and pg_ident gives a role to that. */
import type { Check, Facts, Finding } from '../facts.ts';

/** Both ends: what the SVID has, and what the server reads. */
export const pgIdent: Check = {
  name: 'pg-ident',
  holds: "certificates and PostgreSQL's pg_ident fit together",
  run: (facts) => [...names(facts), ...file(facts)],
};

function names({ workloads }: Facts): Finding[] {
  return workloads.flatMap(({ name, answer, postgresRole, expectedDnsName }) => {
    const [first] = answer.kind === 'svid' ? answer.dnsNames : [expectedDnsName];
    if (postgresRole === undefined || first === expectedDnsName) return [];
    const evidence = `the first DNS name of its SVID, and with it the CN, is ${first ?? 'absent'}; pg_ident has ${expectedDnsName}`;
    const fix = `Register it with ${expectedDnsName} as the first DNS name (spire-server entry update -dns).`;
    return [{ status: 'fail' as const, subject: name, evidence, fix }];
  });
}

function file({ postgres: { identFile, identLines } }: Facts): Finding[] {
  if (identFile === undefined) return [];
  const present = linesOf(identFile);
  const missing = identLines.filter((line) => !present.includes(line));
  const extra = present.filter((line) => !identLines.includes(line));
  const fix =
    'Restart PostgreSQL (npm start): it writes the file from identities.json. A line that is too much is a way in.';
  return [
    ...missing.map((line) => ({
      status: 'fail' as const,
      subject: 'postgres',
      evidence: `pg_ident.conf lacks: ${line}`,
      fix,
    })),
    ...extra.map((line) => ({
      status: 'fail' as const,
      subject: 'postgres',
      evidence: `pg_ident.conf also has: ${line}`,
      fix,
    })),
  ];
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
