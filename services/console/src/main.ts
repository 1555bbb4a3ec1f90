/** Starts the console. */
import { processSettings, runProcess, whenAskedToStop } from '@countersign/service-kit';
import { createLogger } from '@countersign/telemetry';
import { startConsole } from './console.ts';
import { consoleSettings } from './settings.ts';

await runProcess(
  {
    name: 'console',
    settings: [processSettings, consoleSettings],
    async serve([{ logLevel, parentPipe }, config]) {
      const logger = createLogger({ service: 'console', level: logLevel });
      const stopped = whenAskedToStop(process, parentPipe);
      const running = await startConsole({ config, logger });
      logger.info({ event: 'listening', addresses: running.addresses });
      logger.info({ event: 'ready' });
      logger.info({ event: 'stopping', reason: await stopped });
      await running.stop();
      logger.info({ event: 'stopped' });
    },
  },
  process,
);
