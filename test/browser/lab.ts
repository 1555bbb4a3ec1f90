/**
 * A whole system with its console and its control, and a browser beside it: one for a test file. The grants are a copy, so
 * that nobody's checkout is edited.
 */
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openStackControl, removeStateDirectory, type System, type SystemOptions } from '@countersign/local-stack';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { startTestSystem, temporaryStateDirectory } from '../integration/test-system.ts';
import { launchChromium } from './chromium.ts';
import { type ConsoleView, createConsoleView } from './console-view.ts';
import { openWatched, type WatchedPage } from './watched-page.ts';

export interface Lab {
  readonly system: System;
  readonly browser: Browser;
  /** Of the console's page. */
  readonly url: string;
  /** Folder of the grants that the services follow. */
  readonly policyData: string;
  /** Opens the console's page, and waits until it is live. */
  open(options?: OpenOptions): Promise<OpenConsole>;
  close(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  /** Whether the tour may open by itself, as it does for who comes the first time; default no. */
  readonly firstVisit?: boolean;
}

/** The page and what one does on it. */
export interface OpenConsole extends WatchedPage, ConsoleView {}

/** @param options `env` is on top of this process's */
export async function startLab(options: Partial<SystemOptions> = {}): Promise<Lab> {
  const policyData = temporaryStateDirectory();
  cpSync(fileURLToPath(new URL('../../policies/data', import.meta.url)), policyData, { recursive: true });
  const env = { ...process.env, ...options.env, POLICY_DATA: policyData };
  const [browser, system] = await Promise.all([launchChromium(), startTestSystem({ ...options, env, console: true })]);
  const control = await openStackControl(system, env);
  const { console: addresses } = system.addresses;
  if (addresses === undefined) throw new TypeError('test: the system runs without a console');
  await system.waitForLog('console', ({ event }) => event === 'ready', 60_000);
  const url = `http://${addresses.http}/`;
  return {
    system,
    browser,
    url,
    policyData,
    open: (options) => openConsole(browser, url, options),
    async close() {
      await browser.close();
      await control.close();
      await system.stop();
      removeStateDirectory(policyData);
    },
  };
}

async function openConsole(browser: Browser, url: string, options: OpenOptions = {}): Promise<OpenConsole> {
  const { firstVisit = false, ...context } = options;
  const visited = { origin: new URL(url).origin, localStorage: [{ name: 'countersign.tour', value: 'seen' }] };
  const storageState = firstVisit ? {} : { storageState: { cookies: [], origins: [visited] } };
  const watched = await openWatched(browser, url, { ...storageState, ...context });
  const view = createConsoleView(watched.page);
  await view.untilLive();
  return { ...watched, ...view };
}
