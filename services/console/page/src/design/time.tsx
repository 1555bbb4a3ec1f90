/** Times as people read them. The server's clock counts: see live/clock.ts. */
const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dateAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** `14:03:07`; the date on hover. */
export function Time({ at }: { readonly at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={dateAndTime.format(at)}>
      {clockTime.format(at)}
    </time>
  );
}
