/** What a page is told first: its token, and what this console can do. */
import type { StackControl, StackDescription } from '@countersign/local-stack/control';
import type { Session } from '../wire/actions.ts';

/** What a session is made of. */
export interface SessionOptions {
  readonly token: string;
  readonly version: string;
  readonly control: Pick<StackControl, 'describe'> | undefined;
  readonly customerUrl: URL | undefined;
  readonly traceLinks: boolean;
  /** How long the control has to describe the system; 3 s by default. */
  readonly describeMs?: number;
}

const DESCRIBE_MS = 3_000;

/** Makes the function that describes it anew for each page: the system's control may come later, and go. */
export function createSession(options: SessionOptions): () => Promise<Session> {
  const { token, version, control, customerUrl, traceLinks, describeMs = DESCRIBE_MS } = options;
  return async () => {
    const stack = control === undefined ? undefined : await describeWithin(control, describeMs);
    return {
      token,
      version,
      ...(stack === undefined ? {} : { stack }),
      ...(customerUrl === undefined ? {} : { customerUrl: customerUrl.origin }),
      traceLinks,
    };
  };
}

/** A control that does not answer is none: the page then watches, which needs no control. */
async function describeWithin(
  control: Pick<StackControl, 'describe'>,
  ms: number,
): Promise<StackDescription | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([control.describe(), late.promise]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
