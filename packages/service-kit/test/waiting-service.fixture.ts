/** A service for the tests: it never gets an identity, and says when its drain began and ended. */
import { runService } from '../src/index.ts';

await runService(
  {
    name: 'waiting',
    settings: {},
    start: async ({ logger, stopping }) => {
      stopping.addEventListener('abort', () => logger.info({ event: 'streams_end' }));
      return {
        addresses: {},
        stop: async (graceMs) => {
          logger.info({ event: 'drained', graceMs });
        },
      };
    },
  },
  process,
);
