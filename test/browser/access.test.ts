/**
 * The page for everybody: nothing serious that axe finds, in any view, light or dark, wide or narrow; the whole journey by
 * keyboard alone; and not more to fetch than a workshop's network has.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import axe from 'axe-core';
import type { Locator, Page } from 'playwright-core';
import type { Tab } from './console-view.ts';
import { type Lab, type OpenConsole, startLab } from './lab.ts';

const TABS: readonly Tab[] = ['Orders', 'Identities', 'Attack lab', 'Policy', 'Inspect'];
/**
 * Until everything of a first visit stands, chart and tour included, which load when idle, with some 500 bytes of headers for
 * each answer; the check of the build has the parts without headers.
 */
const FIRST_VISIT_BYTES = 250 * 1024;
let lab: Lab;

before(async () => {
  lab = await startLab();
  await using view = await lab.open();
  await view.placeOrder({ item: 'tea', via: 'HTTP' });
  await attackOnce(view);
});
after(() => lab?.close());

/** So that there is a refusal to show. */
async function attackOnce(view: OpenConsole): Promise<void> {
  const attacks = await view.tab('Attack lab');
  await attacks.getByRole('searchbox', { name: 'Search' }).fill('rogue');
  await attacks
    .getByRole('button', { name: /^Run(?! all)/ })
    .first()
    .click();
  await view.refusals.getByRole('listitem').first().waitFor();
}

describe('axe finds nothing serious', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390]) {
      test(`${colorScheme}, ${width} px wide`, async () => {
        await using view = await lab.open({ colorScheme, viewport: { width, height: 900 } });
        await view.workload('backend').waitFor();
        for (const name of TABS) {
          const panel = await view.tab(name);
          await panel.getByRole('heading').first().waitFor();
          assert.deepEqual(await seriousIn(view.page), [], name);
        }
        await view.workload('backend').click();
        assert.deepEqual(await seriousIn(view.page), [], 'a workload');
        await view.edge('customer', 'backend').click();
        assert.deepEqual(await seriousIn(view.page), [], 'a call');
        view.assertClean();
      });
    }
  }

  test('in the tour, which opens by itself on a first visit', async () => {
    await using view = await lab.open({ firstVisit: true });
    await view.page.getByRole('complementary', { name: /tour/i }).waitFor();
    assert.deepEqual(await seriousIn(view.page), []);
    view.assertClean();
  });

  test('which it would find if it were there', async () => {
    await using view = await lab.open();
    await view.page.evaluate(
      "document.body.append(Object.assign(document.createElement('img'), { src: '/favicon.ico' }))",
    );
    assert.deepEqual(await seriousIn(view.page), ['image-alt: img[src$="favicon.ico"]']);
  });
});

async function seriousIn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations }: axe.AxeResults = await page.evaluate('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

test('the whole journey by keyboard alone', async () => {
  await using view = await lab.open();
  const { page } = view;
  await page.evaluate(readFileSync(new URL('./in-page/focus-mark.js', import.meta.url), 'utf8'));
  const keyboard = keyboardOf(page);
  await view.workload('backend').waitFor();

  await keyboard.goTo(page.getByRole('textbox', { name: 'Item' }));
  await keyboard.type('coffee');
  await keyboard.goTo(page.getByRole('radio', { name: 'HTTP', exact: true }));
  await keyboard.press('ArrowRight');
  await keyboard.goTo(page.getByRole('button', { name: 'Place order' }));
  await keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'coffee' }).waitFor();

  const serial = await view.serial('backend');
  await keyboard.openTab('Identities');
  await keyboard.goTo(page.getByRole('button', { name: 'Rotate all' }));
  await keyboard.press('Enter');
  await view.nextSerial('backend', serial);

  await keyboard.openTab('Attack lab');
  await keyboard.goTo(page.getByRole('searchbox', { name: 'Search' }));
  await keyboard.type('forged headers');
  await keyboard.goTo(page.getByRole('button', { name: /^Run(?! all)/ }).first());
  await keyboard.press('Enter');
  await page.locator('[data-verdict="refused"]').first().waitFor();

  await keyboard.openTab('Policy');
  await keyboard.goTo(page.getByRole('switch', { name: 'customer may use GET /hello of backend' }));
  await keyboard.press('Space');
  await keyboard.goTo(page.getByRole('button', { name: 'Apply' }).and(page.locator(':enabled')));
  await keyboard.press('Enter');
  const applied = page.getByRole('status', { name: 'Validity' });
  await applied.filter({ hasText: '1 change applied' }).waitFor();
  await keyboard.goTo(page.getByRole('button', { name: 'Undo' }));
  await keyboard.press('Enter');
  await applied.filter({ hasText: 'as generated' }).waitFor();

  await keyboard.goTo(view.edge('customer', 'backend'));
  await keyboard.press('Enter');
  await page.getByRole('tabpanel', { name: 'Inspect' }).getByRole('heading').first().waitFor();
  view.assertClean();
});

/** As `in-page/focus-mark.js` says it. */
interface Stop {
  readonly isMarked: boolean;
  readonly described: string;
}

/** Keys, and at each stop of the focus a mark that can be seen. */
function keyboardOf(page: Page) {
  const { keyboard } = page;
  const focused = page.locator(':focus');
  const press = (key: string) => keyboard.press(key);
  async function goTo(target: Locator): Promise<void> {
    await target.waitFor({ state: 'attached' });
    for (let count = 0; count < 200; count += 1) {
      await press('Tab');
      const stop: Stop | undefined = await page.evaluate('globalThis.focusedElement()');
      // From the last stop the focus leaves the page, and comes back to its beginning.
      if (stop === undefined) continue;
      assert.ok(stop.isMarked, `nobody sees that the focus is on ${stop.described}`);
      if ((await target.and(focused).count()) > 0) return;
    }
    assert.fail(`the focus never came to ${String(target)}`);
  }
  return {
    press,
    goTo,
    type: async (text: string) => {
      await press('ControlOrMeta+a');
      await keyboard.type(text);
    },
    /** Tabs are one stop; within it arrows lead from one to the next. */
    async openTab(name: Tab) {
      await goTo(page.getByRole('tab', { selected: true }));
      const tab = page.getByRole('tab', { name, exact: true, selected: true });
      for (let step = 0; step < TABS.length && (await tab.count()) === 0; step += 1) await press('ArrowRight');
      await tab.waitFor();
    },
  };
}

test('what a first visit fetches is small', async () => {
  await using watched = await lab.open({ firstVisit: true });
  const session = await watched.context.newCDPSession(watched.page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  const sizes = new Map<string, number>();
  const urls = new Map<string, string>();
  session.on('Network.responseReceived', ({ requestId, response }) => urls.set(requestId, response.url));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) =>
    sizes.set(urls.get(requestId) ?? requestId, encodedDataLength),
  );
  await watched.page.reload();
  await watched.untilLive();
  await watched.workload('backend').waitFor();
  await watched.page.getByRole('button', { name: 'Place order' }).waitFor();
  const assets = [...sizes].filter(([url]) => !url.includes('/api/'));
  const total = assets.reduce((sum, [, bytes]) => sum + bytes, 0);
  assert.ok(assets.length > 2, 'nothing was measured');
  assert.ok(total <= FIRST_VISIT_BYTES, `${total} bytes: ${JSON.stringify(assets)}`);
});
