import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ensureChromium, findChromium } from './browser.mjs';

const folder = mkdtempSync(join(tmpdir(), 'browser-'));
after(() => rmSync(folder, { recursive: true }));
const chrome = join(folder, 'google-chrome');
writeFileSync(chrome, '', { mode: 0o755 });
writeFileSync(join(folder, 'chromium'), 'no program', { mode: 0o644 });

test('a browser on PATH is found by any of its names, and only a program', () => {
  assert.equal(findChromium({ PATH: `/nowhere:${folder}` }), chrome);
  assert.equal(findChromium({ PATH: '/nowhere' }), undefined);
});

test('the one that was chosen is taken, or nothing', () => {
  assert.equal(findChromium({ PATH: '', COUNTERSIGN_CHROMIUM: chrome }), chrome);
  for (const wrong of [join(folder, 'chromium'), 'google-chrome', '/nowhere/chrome']) {
    const env = { PATH: folder, COUNTERSIGN_CHROMIUM: wrong };
    assert.throws(() => findChromium(env), { message: new RegExp(`got "${wrong}"$`) });
  }
});

test('where none is there and none may be installed, it says what to do', () => {
  const say = () => assert.fail('nothing is installed');
  assert.throws(() => ensureChromium(say, { PATH: '/nowhere' }, false), /needs Chromium or Chrome on PATH/);
});
