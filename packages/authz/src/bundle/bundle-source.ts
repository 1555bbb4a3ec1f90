/**
 * Where bundles come from, as the engine sees it: something that is looked at, and that says when to look again.
 */

/** A bundle as it came. */
export interface BundleRead {
  readonly bytes: Uint8Array;
  /** Called when it is in use: only then may the source answer "unchanged" about it. */
  accepted(): void;
}

/** A place that bundles come from. */
export interface BundleSource {
  /** For status and logs: a path, or a URL without user name and query. */
  readonly name: string;
  /**
   * One look. `undefined`: still the bundle that was accepted last.
   * @param wait whether the answer may be held back until there is something new
   * @throws {AuthzError} `BUNDLE_SOURCE`
   */
  read(wait: boolean): Promise<BundleRead | undefined>;
  /** Calls `look` whenever it is time to; it resolves with whether all went well. Called once. */
  follow(look: (wait: boolean) => Promise<boolean>): void;
  /** Stops following, and whatever is under way. */
  close(): void;
}
