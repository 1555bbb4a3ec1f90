/** The page that is served: the built one, or one that says why there is none. */
import type { Logger } from '@countersign/telemetry';
import { type PageFile, pageNotBuilt, readPageFiles } from './page-files.ts';

/** @param folder of the built page; `undefined` when the console was started without one */
export function loadPage(folder: string | undefined, logger: Logger): PageFile[] {
  if (folder === undefined) return [pageNotBuilt('The console was started without CONSOLE_PAGE.')];
  try {
    return readPageFiles(folder);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    logger.warn({ event: 'page_missing', message });
    return [pageNotBuilt(message)];
  }
}
