/**
 * The commands for federation: show the own bundle, take another trust domain's, and let it go again.
 */
import { readFile } from 'node:fs/promises';
import { type Command, type Flags, required, show, usageError } from './cli-command.ts';
import { type EndpointFederation, parseProfile } from './endpoint-federation.ts';
import type { FederationStatus } from './status.ts';

/** `bundle`: the document as others read it, so that it can be put into a file. */
export const showBundle: Command = async (control, name, context) => {
  if (name !== undefined) throw usageError('bundle takes no name');
  context.print(await control.bundleDocument());
};

/** `federate <trust domain> --bundle FILE`, or with an endpoint: `--endpoint-url URL --profile PROFILE`. */
export const federate: Command = async (control, name, context) => {
  const trustDomain = required(name, 'federate', 'name of a trust domain');
  if (context.flags['endpoint-url'] !== undefined) {
    const status = await control.federateByEndpoint(await readEndpoint(trustDomain, context.flags));
    return show(context, status, () => [formatFederation(status)]);
  }
  const { bundle: file } = context.flags;
  const lone = (['profile', 'endpoint-id', 'endpoint-ca'] as const).find((flag) => context.flags[flag] !== undefined);
  if (lone !== undefined) throw usageError(`--${lone} goes with --endpoint-url`);
  if (file === undefined)
    throw usageError('federate needs --bundle, a file that holds the bundle document, or --endpoint-url');
  await control.federate(trustDomain, await read('bundle', file));
  show(context, {}, () => [`federated with ${trustDomain}; workloads registered with --federates-with get its bundle`]);
};

/** `unfederate <trust domain>`. */
export const unfederate: Command = async (control, name, context) => {
  const trustDomain = required(name, 'unfederate', 'name of a trust domain');
  await control.unfederate(trustDomain);
  show(context, {}, () => [`no longer federated with ${trustDomain}`]);
};

/** One line of a federation. */
export function formatFederation({ trustDomain, endpointUrl, profile, ...polled }: FederationStatus): string {
  if (endpointUrl === undefined) return `federates with ${trustDomain}`;
  const { sequence, fetchedAt, lastError } = polled;
  const state =
    fetchedAt === undefined ? 'nothing fetched yet' : `sequence ${sequence ?? 'none'}, fetched ${fetchedAt}`;
  const trouble = lastError === undefined ? '' : `; failing: ${lastError.code}: ${lastError.message}`;
  return `federates with ${trustDomain} by ${endpointUrl} (${profile}), ${state}${trouble}`;
}

async function readEndpoint(trustDomain: string, flags: Flags): Promise<EndpointFederation> {
  const { profile, bundle, 'endpoint-url': endpointUrl = '', 'endpoint-id': endpointId, 'endpoint-ca': ca } = flags;
  if (profile === undefined) throw usageError('--endpoint-url needs --profile, https_spiffe or https_web');
  return {
    trustDomain,
    endpointUrl,
    profile: parseProfile(profile),
    ...(endpointId === undefined ? {} : { endpointId }),
    ...(bundle === undefined ? {} : { bundle: await read('bundle', bundle) }),
    ...(ca === undefined ? {} : { endpointCaPem: await read('endpoint-ca', ca) }),
  };
}

async function read(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw usageError(`--${flag}: can't be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
