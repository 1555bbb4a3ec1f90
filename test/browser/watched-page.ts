/**
 * A browser tab that may not do anything it should not: an error in its console, a violation of its content security policy,
 * or a request to anywhere but the console itself is remembered, and fails the test that asks.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /**
   * From now on, errors that match are no problem: the browser itself writes one for each answer of 400 and above, and for
   * each connection that breaks.
   */
  expectErrors(pattern: RegExp): void;
  /** Fails when there was anything that should not have been. */
  assertClean(): void;
  close(): Promise<void>;
}

/** What the browser writes of a request that failed; the journeys that make requests fail expect it. */
export const FAILED_REQUEST = /^console error: Failed to load resource: /;

const reportViolations = fileURLToPath(new URL('./in-page/report-violations.js', import.meta.url));

/** Opens the address in a fresh profile: no cookie, no storage, no cache of another test. */
export async function openWatched(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const problems: string[] = [];
  const expected: RegExp[] = [];
  const note = (problem: string) => {
    if (!expected.some((pattern) => pattern.test(problem))) problems.push(problem);
  };
  await context.exposeBinding('reportViolation', (_, violation: string) => note(`CSP: ${violation}`));
  await context.addInitScript({ path: reportViolations });
  const { origin } = new URL(url);
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) note(`request to ${request.url().slice(0, 200)}`);
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      note(`console ${message.type()}: ${message.text().slice(0, 500)}`);
  });
  page.on('pageerror', (error) => note(`uncaught: ${error.stack ?? error.message}`));
  await page.goto(url);
  const close = () => context.close();
  return {
    page,
    context,
    expectErrors: (pattern) => void expected.push(pattern),
    assertClean: () => assert.deepEqual(problems, []),
    close,
    [Symbol.asyncDispose]: close,
  };
}
