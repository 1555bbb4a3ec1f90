/** Services answer on their health port and are ready. */
import type { Check } from '../facts.ts';

/** With the service's own reasons. */
export const readiness: Check = {
  name: 'readiness',
  holds: 'every service is ready',
  run: ({ health }) =>
    health.flatMap(({ service, reasons }) => {
      if (reasons === undefined) {
        const fix = 'Has it ended? npm start prints the last lines of its log.';
        return [{ status: 'fail', subject: service, evidence: 'nothing answers on its health port', fix }];
      }
      const text = Object.entries(reasons).map(([part, reason]) => `${part}: ${reason}`);
      if (text.length === 0) return [];
      const fix =
        'policy' in reasons
          ? 'The bundle was refused: npm run generate makes it anew; npm run policy:check says what is wrong.'
          : 'See the findings above for its identity, and its log.';
      return [{ status: 'fail', subject: service, evidence: text.join('; '), fix }];
    }),
};
