/**
 * The page is served with `require-trusted-types-for 'script'`: no text ever becomes markup. react-aria's live announcer
 * empties itself with `innerHTML = ''`, so the default policy lets the empty text through, and nothing else.
 */
interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createHTML(text: string): string }): unknown;
}

declare global {
  interface Window {
    readonly trustedTypes?: TrustedTypesFactory;
  }
}

/** Does nothing where the browser has no Trusted Types. */
export function allowEmptyMarkup(scope: Pick<Window, 'trustedTypes'> = window): void {
  scope.trustedTypes?.createPolicy('default', {
    createHTML(text) {
      if (text !== '') throw new TypeError('trusted-types: this page makes no markup from text');
      return text;
    },
  });
}
