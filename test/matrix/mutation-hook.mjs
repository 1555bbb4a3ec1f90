/**
 * Loaded with `--import` into a server: replaces one named piece of one source file, as `COUNTERSIGN_MUTATION` says. A piece
 * that is not there exactly once ends the process: a mutation that changes nothing would show nothing.
 */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const edits = JSON.parse(process.env.COUNTERSIGN_MUTATION ?? '[]');

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:')) return loaded;
    const mine = edits.filter(({ file }) => fileURLToPath(url).endsWith(`/${file}`));
    if (mine.length === 0) return loaded;
    let source = Buffer.from(loaded.source).toString();
    for (const { find, replace } of mine) {
      if (source.split(find).length !== 2) throw new Error(`mutation: ${JSON.stringify(find)} must be once in ${url}`);
      source = source.replace(find, () => replace);
    }
    return { ...loaded, source };
  },
});
