/**
 * Prints what the chart would make from values, as a list for `kubectl apply`:
 *
 *     node render.ts configuration | identities VALUES.yaml...
 */
import { readFileSync } from 'node:fs';
import { renderConfiguration } from './configuration.ts';
import { renderIdentities } from './identities.ts';
import { readValues } from './values.ts';

const RENDERERS = new Map([
  ['configuration', renderConfiguration],
  ['identities', renderIdentities],
]);

const [what = '', ...files] = process.argv.slice(2);
const render = RENDERERS.get(what);
if (render === undefined || files.length === 0)
  throw new TypeError(`usage: node render.ts ${[...RENDERERS.keys()].join(' | ')} VALUES.yaml...`);
const items = render(readValues(...files.map((file) => readFileSync(file, 'utf8'))));
console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2));
