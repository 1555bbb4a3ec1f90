/**
 * Builds the page into `services/console/dist/page`, which the console serves. Nothing in what it makes is inline and
 * nothing is a `data:` address, so that the console's content security policy needs no exception.
 */
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** react-aria brings its few own texts in 34 languages; the page is in English, and its first view is kept small. */
function englishOnly(): Plugin {
  return {
    name: 'english-only',
    enforce: 'pre',
    load: {
      filter: { id: /react-aria[^?]*\/intl\/[^?]*\/(?!en-US)[a-z]{2}-[A-Z]{2}\.m?js$/ },
      handler: () => 'export default {}',
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [englishOnly(), react()],
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
});
