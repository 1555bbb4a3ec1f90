/**
 * The commands for federation: show the own bundle, take another trust domain's, and let it go again.
 */
import { readFile } from 'node:fs/promises';
import { type Command, required, show, usageError } from './cli-command.ts';

/** `bundle`: the document as others read it, so that it can be put into a file. */
export const showBundle: Command = async (control, name, context) => {
  if (name !== undefined) throw usageError('bundle takes no name');
  context.print(await control.bundleDocument());
};

/** `federate <trust domain> --bundle FILE`. */
export const federate: Command = async (control, name, context) => {
  const trustDomain = required(name, 'federate', 'name of a trust domain');
  const { bundle: file } = context.flags;
  if (file === undefined) throw usageError('federate needs --bundle, a file that holds the bundle document');
  await control.federate(trustDomain, await read(file));
  show(context, {}, () => [`federated with ${trustDomain}; workloads registered with --federates-with get its bundle`]);
};

/** `unfederate <trust domain>`. */
export const unfederate: Command = async (control, name, context) => {
  const trustDomain = required(name, 'unfederate', 'name of a trust domain');
  await control.unfederate(trustDomain);
  show(context, {}, () => [`no longer federated with ${trustDomain}`]);
};

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw usageError(`--bundle: can't be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
