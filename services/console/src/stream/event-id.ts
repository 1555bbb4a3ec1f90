/** IDs of events: `<epoch>-<revision>`. An epoch is one run of the console: revisions of another run mean nothing here. */

export function formatEventId(epoch: string, revision: number): string {
  return `${epoch}-${revision}`;
}

/** The revision that a reader saw last; undefined for an ID of another epoch, or for what is none. */
export function revisionOf(epoch: string, lastEventId: string | undefined): number | undefined {
  const prefix = `${epoch}-`;
  if (lastEventId?.startsWith(prefix) !== true) return undefined;
  const digits = lastEventId.slice(prefix.length);
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}
