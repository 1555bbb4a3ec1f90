/** The ports of the system are free before it starts. */
import type { Check } from '../facts.ts';

/** Not asked while the system runs: it holds them itself. */
export const ports: Check = {
  name: 'ports',
  holds: 'the ports of the system are free, or its own',
  run: ({ ports: found }) =>
    found.flatMap(({ name, port, variable, problem }) => {
      if (problem === undefined) return [];
      const fix = `Stop that program (ss -ltnp sport = :${port}), or set ${variable}.`;
      return [{ status: 'fail', subject: name, evidence: `127.0.0.1:${port} ${problem}`, fix }];
    }),
};
