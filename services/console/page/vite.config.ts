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

/**
 * React Flow moves its viewport by d3-zoom, which brings d3-transition and d3-interpolate, and with them colour spaces, easing
 * and timers. The map's viewport is set and never animated, so that nothing of them is called but `interrupt`, and there is
 * nothing to interrupt. An eighth of the drawing's size.
 */
function noTransitions(): Plugin {
  const modules: Readonly<Record<string, string>> = {
    'd3-transition': [
      "import { selection } from 'd3-selection';",
      'selection.prototype.interrupt = function () { return this; };',
      'export const interrupt = () => {};',
    ].join('\n'),
    'd3-interpolate': [
      "const never = () => { throw new Error('map: its viewport is never animated'); };",
      'export { never as interpolate, never as interpolateZoom };',
    ].join('\n'),
  };
  return {
    name: 'no-transitions',
    enforce: 'pre',
    resolveId: { filter: { id: /^d3-(transition|interpolate)$/ }, handler: (id) => `\0${id}` },
    load: { filter: { id: /^\0d3-/ }, handler: (id) => modules[id.slice(1)] },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [englishOnly(), noTransitions(), react()],
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 450,
    // React Flow's file wraps each component in `memo` at its top; those that nobody imports may go all the same.
    rolldownOptions: { treeshake: { manualPureFunctions: ['memo', 'forwardRef', 'createContext'] } },
  },
});
