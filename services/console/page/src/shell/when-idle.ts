/** For what may come after the page stands: its first view is small, and the browser is not kept from drawing it. */

const AT_LATEST_MS = 1500;

/** Resolves when the browser has nothing better to do, or soon anyway. */
export function whenIdle(): Promise<void> {
  return new Promise((resolve) => {
    // Safari has none.
    if ('requestIdleCallback' in window) requestIdleCallback(() => resolve(), { timeout: AT_LATEST_MS });
    else setTimeout(resolve, AT_LATEST_MS);
  });
}
