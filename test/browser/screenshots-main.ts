/**
 * Draws the console's views: `screenshots-main.ts <folder> chosen|all`. What is committed are the chosen ones; all of them
 * are for people who change the page.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Tab } from './console-view.ts';
import { type Lab, type OpenConsole, startLab } from './lab.ts';

interface Shot {
  readonly view: Tab | 'Workload';
  readonly width: number;
  readonly theme: 'light' | 'dark';
}

const VIEWS = ['Orders', 'Identities', 'Attack lab', 'Policy', 'Inspect', 'Workload'] as const;
const HEIGHTS: ReadonlyMap<number, number> = new Map([
  [390, 844],
  [1280, 900],
  [1920, 1080],
]);
const all: readonly Shot[] = VIEWS.flatMap((view) =>
  [...HEIGHTS.keys()].flatMap((width) => (['light', 'dark'] as const).map((theme) => ({ view, width, theme }))),
);
const chosen: readonly Shot[] = [
  { view: 'Attack lab', width: 1280, theme: 'light' },
  { view: 'Attack lab', width: 1280, theme: 'dark' },
  { view: 'Identities', width: 1280, theme: 'light' },
  { view: 'Policy', width: 1280, theme: 'light' },
  { view: 'Inspect', width: 1280, theme: 'light' },
  { view: 'Orders', width: 390, theme: 'dark' },
];

const [folder = 'screenshots', which] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const lab = await startLab({ svidTtlMs: 600_000 });
try {
  await prepare(lab);
  for (const shot of which === 'all' ? all : chosen) await draw(lab, shot);
} finally {
  await lab.close();
}

/** Something to see: orders by both ways, some load, and a stranger who was refused. */
async function prepare(lab: Lab): Promise<void> {
  await using view = await lab.open();
  await view.placeOrder({ item: 'tea', via: 'HTTP' });
  await view.placeOrder({ item: 'coffee', via: 'gRPC' });
  const attacks = await view.tab('Attack lab');
  await attacks.getByRole('button', { name: 'Open all' }).click();
  for (const id of ['rogue-backend-https', 'forged-headers-backend-https', 'chain-replayed-db-client'])
    await runAttack(view, id);
  await view.setLoad(5);
  await view.untilSent(50);
}

async function runAttack(view: OpenConsole, id: string): Promise<void> {
  const attack = view.page.locator(`[data-attack^="${id}"]`).first();
  await attack.getByRole('button', { name: /^Run / }).click();
  await attack.and(view.page.locator('[data-verdict]')).waitFor();
}

async function draw(lab: Lab, { view: name, width, theme }: Shot): Promise<void> {
  const viewport = { width, height: HEIGHTS.get(width) ?? 900 };
  // Each once for the eye: at twice the pixels the files would be four times as large.
  await using view = await lab.open({ viewport, colorScheme: theme, reducedMotion: 'reduce', deviceScaleFactor: 1 });
  await view.workload('backend', /ready/).waitFor();
  await show(view, name);
  const file = join(folder, `console-${name.toLowerCase().replace(' ', '-')}-${width}-${theme}.png`);
  await view.page.screenshot({ path: file, animations: 'disabled' });
  view.assertClean();
  console.log(`${file}  ${Math.ceil(statSync(file).size / 1024)} KiB`);
}

async function show(view: OpenConsole, name: Shot['view']): Promise<void> {
  if (name === 'Workload' || name === 'Inspect') {
    await (name === 'Workload' ? view.workload('backend') : view.edge('customer', 'backend')).click();
    return view.page.getByRole('tabpanel', { name: 'Inspect' }).getByRole('heading').first().waitFor();
  }
  const panel = await view.tab(name);
  await panel.getByRole('heading').first().waitFor();
  if (name === 'Orders') await view.placeOrder({ item: 'tea', via: 'HTTP' });
  if (name === 'Attack lab') await runAttackOf(view);
  await view.page.evaluate('scrollTo(0, 0)');
}

async function runAttackOf(view: OpenConsole): Promise<void> {
  const attacks = await view.tab('Attack lab');
  await attacks.getByRole('searchbox', { name: 'Search' }).fill('forged headers');
  await runAttack(view, 'forged-headers-backend-https');
}
