/** A sentence from the server, in which backticks mark what one would type, as in all of its texts. Only ever text. */
import { Fragment } from 'react';

export function Prose({ children }: { readonly children: string }) {
  return children.split('`').map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence never move
    <Fragment key={index}>{index % 2 === 1 ? <code>{part}</code> : part}</Fragment>
  ));
}
