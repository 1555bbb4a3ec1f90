/** Types of image-packages.mjs, which is plain JavaScript so that it runs by itself when an image is built. */
export function productionPackages(
  workspace: string,
  root?: string,
): { readonly folder: string; readonly links: readonly string[] }[];
export function manifestOf(
  root: string,
  folder: string,
): { readonly name: string; readonly version: string; readonly [field: string]: unknown };
