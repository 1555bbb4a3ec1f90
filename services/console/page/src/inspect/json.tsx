/** A value as indented JSON. */
import { CopyButton } from '../design/index.ts';

export function Json({ title, value }: { readonly title: string; readonly value: unknown }) {
  if (value === undefined) return null;
  const text = JSON.stringify(value, null, 2);
  return (
    <figure className="json">
      <figcaption className="json-title">
        {title}
        <CopyButton text={text} what={`the ${title.toLowerCase()}`} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </figure>
  );
}
