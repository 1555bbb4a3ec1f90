/** The stand-in for Jaeger starts from the files of its image alone, away from the checkout. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { contentOf } from './image-tree.ts';
import { jaegerStandInImage } from './jaeger-image.ts';

const HOME = '/jaeger-stand-in';

test('Node runs it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-jaeger-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const { tree } = jaegerStandInImage(process.execPath);
  const entries = tree.entries().filter(([path]) => path.startsWith(HOME));
  mkdirSync(join(folder, HOME));
  for (const [path, entry] of entries) {
    if (entry.type === 'directory') mkdirSync(join(folder, path), { recursive: true });
    else if (entry.type === 'symlink') symlinkSync(entry.target, join(folder, path));
    else writeFileSync(join(folder, path), contentOf(entry));
  }
  const standIn = pathToFileURL(join(folder, HOME, 'stand-in.ts')).href;
  const program = `
    const { startStandIn } = await import(${JSON.stringify(standIn)});
    const running = await startStandIn({ otlp: '127.0.0.1:0', query: { host: '127.0.0.1', port: 0 } });
    console.log(running.otlpPort > 0);
    running.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
  });
  assert.equal(stdout.trim(), 'true');
  assert.ok(!entries.some(([path]) => path.endsWith('.test.ts')), 'tests are no part of it');
});
