/** An operation's name, shortened, that breaks after its slashes where it has to; the whole one on hover. */
import { Fragment } from 'react';
import { shortOperation } from './operation.ts';

export function Operation({ name }: { readonly name: string }) {
  const parts = shortOperation(name).split(/(?<=\w\/)/);
  return (
    <code title={name}>
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one name never move
        <Fragment key={index}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </code>
  );
}
