/** Names of what is made here: they say that it is CI's and from nobody's registry. */
export function ciReference(name: string, tag: string): string {
  return `localhost/countersign-ci/${name}:${tag}`;
}
