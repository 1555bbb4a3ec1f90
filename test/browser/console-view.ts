/**
 * The console's page in the words of its field: by roles and accessible names, as somebody who can't see it would find their
 * way.
 */
import type { Locator, Page } from 'playwright-core';

export type Tab = 'Orders' | 'Identities' | 'Attack lab' | 'Policy' | 'Inspect';

export interface ConsoleView {
  /** Resolves when the page shows what is the case now. */
  untilLive(): Promise<void>;
  /** Resolves when the page says that it is cut off. */
  untilDisconnected(): Promise<void>;
  readonly map: Locator;
  readonly refusals: Locator;
  /** Opens a tab. @returns its panel */
  tab(name: Tab): Promise<Locator>;
  /** A workload's node, by its name and what else its accessible name has. */
  workload(name: string, has?: RegExp): Locator;
  /** The serial number that a workload's node shows. */
  serial(name: string): Promise<string>;
  /** Resolves with a workload's serial number once its node shows another one than this. */
  nextSerial(name: string, serial: string): Promise<string>;
  /** An edge, by who calls whom, and what became of the last call. */
  edge(from: string, to: string, outcome?: 'allow' | 'deny' | 'refused' | 'error'): Locator;
  /** @returns the list of its hops, once it is placed */
  placeOrder(order: Order): Promise<Locator>;
  /** @returns what the page says of an order that is not placed */
  tryOrder(order: Order): Promise<Locator>;
  /** Sets the steady load from rest to what one key of the slider does, and back. */
  setLoad(perSecond: 0 | 5 | 50): Promise<void>;
  /** What the page says of the steady load. */
  load(): Promise<{ sent: number; failed: number }>;
  /** Resolves when so many orders were sent. */
  untilSent(count: number): Promise<void>;
}

export interface Order {
  readonly item: string;
  readonly via: 'HTTP' | 'gRPC';
}

const LOAD_KEYS = { 0: 'Home', 5: 'PageUp', 50: 'End' } as const;

export function createConsoleView(page: Page): ConsoleView {
  const connection = page.getByRole('status', { name: 'Connection' });
  const map = page.getByRole('region', { name: 'Live map' });
  // What a node or an edge says begins with its name.
  const button = (name: string) => page.getByRole('button', { name: new RegExp(`^${name},`) });
  const node = (name: string, selector: string) => map.locator(selector).filter({ has: button(name) });
  const tab = async (name: Tab) => {
    await page.getByRole('tab', { name, exact: true }).click();
    return page.getByRole('tabpanel', { name });
  };
  const submit = async ({ item, via }: Order) => {
    const orders = await tab('Orders');
    await orders.getByRole('textbox', { name: 'Item' }).fill(item);
    // The circle is drawn by the label: the input itself has no size that could be clicked.
    await orders.getByRole('radio', { name: via }).check({ force: true });
    await orders.getByRole('button', { name: 'Place order' }).click();
    return orders;
  };
  const view: ConsoleView = {
    untilLive: () => connection.filter({ hasText: 'live' }).waitFor(),
    untilDisconnected: () => connection.filter({ hasText: 'disconnected' }).waitFor(),
    map,
    refusals: page.getByRole('region', { name: 'Refusals' }),
    tab,
    workload: (name, has = /(?:)/) => map.getByRole('button', { name: new RegExp(`^${name},.*${has.source}`) }),
    async serial(name) {
      return (await node(name, '[data-serial]').getAttribute('data-serial')) ?? '';
    },
    async nextSerial(name, serial) {
      await node(name, `[data-serial]:not([data-serial="${serial}"])`).waitFor();
      return view.serial(name);
    },
    edge(from, to, outcome) {
      const selector = outcome === undefined ? '[data-outcome]' : `[data-outcome="${outcome}"]`;
      return map.locator(selector).and(button(`${from} to ${to}`));
    },
    async placeOrder(order) {
      const orders = await submit(order);
      // It names the item in what it says of the order.
      await orders.getByRole('status').filter({ hasText: order.item }).waitFor();
      return orders.getByRole('list', { name: 'Hops' });
    },
    tryOrder: async (order) => (await submit(order)).getByRole('alert'),
    async setLoad(perSecond) {
      const orders = await tab('Orders');
      const slider = orders.getByRole('slider', { name: 'Orders per second' });
      await slider.press(LOAD_KEYS[perSecond]);
      const said = perSecond === 0 ? 'off' : `${perSecond} a second`;
      await orders.locator('output').filter({ hasText: said }).waitFor();
    },
    async load() {
      const text = await (await tab('Orders')).getByRole('status', { name: 'Load' }).textContent();
      const [sent = Number.NaN, failed = Number.NaN] = [...(text ?? '').matchAll(/\d+/g)].map(([digits]) =>
        Number(digits),
      );
      return { sent, failed };
    },
    async untilSent(count) {
      const orders = await tab('Orders');
      const sent = await orders.getByRole('status', { name: 'Load' }).locator('strong').first().elementHandle();
      await page.waitForFunction(({ element, count }) => Number(element?.textContent) >= count, {
        element: sent,
        count,
      });
    },
  };
  return view;
}
