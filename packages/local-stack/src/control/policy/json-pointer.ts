/** JSON pointers (RFC 6901): a tilde in a name is `~0` and a slash `~1`. */

/** The place of a name below another place. */
export function below(at: string, name: string): string {
  return `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The names on the way to a place. */
export function namesOf(at: string): string[] {
  const names = at.split('/').slice(1);
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}
