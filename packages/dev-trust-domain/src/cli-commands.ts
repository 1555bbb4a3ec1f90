/**
 * The commands of `npm run trust-domain`: what people type to look at a running trust domain and to change it.
 */
import { SpiffeTlsError } from '@countersign/spiffe-tls';
import {
  type CliContext,
  type Command,
  type CommandContext,
  type Flags,
  parseCommandLine,
  required,
  show,
  usageError,
} from './cli-command.ts';
import { closeStreams, fault, showCalls } from './cli-fault-commands.ts';
import { federate, formatFederation, showBundle, unfederate } from './cli-federation-commands.ts';
import type { RegistrationRequest, RotateAuthorityOptions, TrustDomainControl } from './control.ts';
import { controlSocketOf, createControlClient, DEFAULT_STATE_DIRECTORY } from './control-client.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { DevTrustDomainError } from './errors.ts';
import type { TrustDomainStatus, WorkloadStatus } from './status.ts';

/** How the process ends: done, refused, wrong use, nothing is running. */
export const EXIT_CODES = { done: 0, refused: 1, usage: 2, notRunning: 3 } as const;

const USAGE = `usage: npm run trust-domain -- <command>, or dev-trust-domain-control <command>

  status                         the CA, the workloads, and how long their SVIDs last
  rotate [name]                  new SVIDs for one workload, or for all
  rotate --ca [--settle 2s] [--drop-after 5m]
                                 a new CA: publish it, wait, issue all SVIDs from it, later drop the old one
  rotate --jwt [--settle 2s] [--drop-after 5m]
                                 a new key for JWT-SVIDs, in the same way
  register <name> [--spiffe-id ID] [--dns NAME]... [--hint HINT] [--federates-with TRUST_DOMAIN]...
                                 give a workload an identity; a known one gets its own back
  unregister <name> [--spiffe-id ID]
                                 take it away: open streams end with PermissionDenied

  bundle                         print the bundle document, for others to federate with
  federate <trust domain> --bundle FILE
                                 take another trust domain's bundle; again replaces it
  federate <trust domain> --endpoint-url URL --profile https_spiffe --endpoint-id ID [--bundle BOOTSTRAP]
  federate <trust domain> --endpoint-url URL --profile https_web [--endpoint-ca PEM]
                                 take it from its bundle endpoint, and ask there again as often as it hints
  unfederate <trust domain>      let it go: workloads lose that bundle at once
  calls [name]                   the Workload API calls that workloads made, with their metadata
  fault <method> [--workload NAME] [--code UNAVAILABLE] [--details TEXT] [--delay 5s] [--times 3]
                                 the next calls of FetchX509SVID, FetchJWTSVID, ... end so, or wait so long
  fault <method> --response BASE64 [--workload NAME] [--times 3]
                                 the next messages are replaced by these bytes
  fault --clear                  forget the faults that wait
  close-streams [name] [--method METHOD] [--code UNAVAILABLE] [--details TEXT]
                                 end calls that are open

  --json                         print the answer as JSON
  --state-dir DIR                where the trust domain keeps its state (or COUNTERSIGN_STATE_DIR; default ${DEFAULT_STATE_DIRECTORY})`;

const COMMANDS: ReadonlyMap<string, { readonly run: Command; readonly flags: readonly (keyof Flags)[] }> = new Map([
  ['status', { run: showStatus, flags: [] }],
  ['rotate', { run: rotate, flags: ['ca', 'jwt', 'settle', 'drop-after'] as const }],
  ['register', { run: register, flags: ['spiffe-id', 'dns', 'hint', 'federates-with'] as const }],
  ['unregister', { run: unregister, flags: ['spiffe-id'] as const }],
  ['bundle', { run: showBundle, flags: [] }],
  ['federate', { run: federate, flags: ['bundle', 'endpoint-url', 'profile', 'endpoint-id', 'endpoint-ca'] as const }],
  ['unfederate', { run: unfederate, flags: [] }],
  ['calls', { run: showCalls, flags: [] }],
  ['fault', { run: fault, flags: ['workload', 'code', 'details', 'delay', 'response', 'times', 'clear'] as const }],
  ['close-streams', { run: closeStreams, flags: ['method', 'code', 'details'] as const }],
]);

const EVERYWHERE: readonly (keyof Flags)[] = ['json', 'state-dir'];

/** Runs one command; returns the exit code. */
export async function runCli(context: CliContext): Promise<number> {
  try {
    const { values: flags, positionals } = parseCommandLine(context.args);
    if (flags.help) {
      context.print(USAGE);
      return EXIT_CODES.done;
    }
    const [word = '', name, ...rest] = positionals;
    const command = COMMANDS.get(word);
    if (command === undefined) throw usageError(word === '' ? 'no command' : `no such command: ${word}`);
    checkUse(word, command.flags, flags, rest);
    const { COUNTERSIGN_STATE_DIR: fromEnv } = context.env;
    const socket = controlSocketOf(flags['state-dir'] ?? fromEnv ?? DEFAULT_STATE_DIRECTORY);
    await command.run(createControlClient(socket), name, { ...context, flags });
    return EXIT_CODES.done;
  } catch (cause) {
    return reportFailure(cause, context);
  }
}

function checkUse(word: string, known: readonly (keyof Flags)[], flags: Flags, rest: readonly string[]): void {
  const unexpected = Object.keys(flags).find((flag) => ![...known, ...EVERYWHERE].some((each) => each === flag));
  if (unexpected !== undefined) throw usageError(`${word} takes no --${unexpected}`);
  if (rest.length > 0) throw usageError(`${word} takes one name, got also ${rest.join(' ')}`);
}

function reportFailure(cause: unknown, { printError }: CliContext): number {
  if (!(cause instanceof DevTrustDomainError) && !(cause instanceof SpiffeTlsError)) throw cause;
  printError(cause.message);
  switch (cause.code) {
    case 'CONFIGURATION':
      printError(`\n${USAGE}`);
      return EXIT_CODES.usage;
    case 'NOT_RUNNING':
      printError('Start it with `npm start`, or say where it is with --state-dir.');
      return EXIT_CODES.notRunning;
    default:
      return EXIT_CODES.refused;
  }
}

async function showStatus(
  control: TrustDomainControl,
  name: string | undefined,
  context: CommandContext,
): Promise<void> {
  if (name !== undefined) throw usageError('status takes no name');
  const status = await control.status();
  show(context, status, () => formatStatus(status, context.nowMs));
}

async function rotate(control: TrustDomainControl, name: string | undefined, context: CommandContext): Promise<void> {
  const { ca, jwt, settle, 'drop-after': dropAfter } = context.flags;
  if (ca && jwt) throw usageError('--ca and --jwt are two rotations');
  if (ca || jwt) return rotateAuthority(control, name, context);
  if (settle !== undefined || dropAfter !== undefined)
    throw usageError('--settle and --drop-after go with --ca and --jwt');
  const workloads = await control.rotate(name);
  show(context, workloads, () => [
    'issued anew:',
    ...workloads.flatMap((workload) => formatWorkload(workload, context.nowMs)),
  ]);
}

async function rotateAuthority(
  control: TrustDomainControl,
  name: string | undefined,
  context: CommandContext,
): Promise<void> {
  const { jwt, settle, 'drop-after': dropAfter } = context.flags;
  if (name !== undefined) throw usageError(`rotate --${jwt ? 'jwt' : 'ca'} is for all workloads and takes no name`);
  const options: RotateAuthorityOptions = {
    ...(settle === undefined ? {} : { settleMs: parseDuration('--settle', settle) }),
    ...(dropAfter === undefined ? {} : { dropAfterMs: parseDuration('--drop-after', dropAfter) }),
  };
  const stays = (dropsAt: string) => `stays in the bundle for ${formatDuration(Date.parse(dropsAt) - context.nowMs)}`;
  if (jwt) {
    const result = await control.rotateJwt(options);
    show(context, result, () => [
      `JWT key ${result.keyId} signs now`,
      `JWT key ${result.previousKeyId} ${stays(result.dropsAt)}`,
    ]);
    return;
  }
  const result = await control.rotateCa(options);
  show(context, result, () => [
    `CA ${result.serialNumber} signs now; every workload has an SVID of it`,
    `CA ${result.previousSerialNumber} ${stays(result.dropsAt)}`,
  ]);
}

async function register(control: TrustDomainControl, name: string | undefined, context: CommandContext): Promise<void> {
  const { 'spiffe-id': spiffeId, dns, hint, 'federates-with': federatesWith } = context.flags;
  const request: RegistrationRequest = {
    name: required(name, 'register'),
    ...(spiffeId === undefined ? {} : { spiffeId }),
    ...(dns === undefined ? {} : { dnsNames: dns }),
    ...(hint === undefined ? {} : { hint }),
    ...(federatesWith === undefined ? {} : { federatesWith }),
  };
  const workload = await control.register(request);
  show(context, workload, () => [
    ...formatWorkload(workload, context.nowMs),
    `  SPIFFE_ENDPOINT_SOCKET=${workload.socket}`,
  ]);
}

async function unregister(
  control: TrustDomainControl,
  name: string | undefined,
  context: CommandContext,
): Promise<void> {
  const workload = await control.unregister(required(name, 'unregister'), context.flags['spiffe-id']);
  show(context, workload, () => formatWorkload(workload, context.nowMs));
}

function formatStatus(status: TrustDomainStatus, nowMs: number): string[] {
  const authorities = status.authorities.map(
    ({ serialNumber, role, notAfter }) =>
      `  ${role.padEnd(8)}  ${serialNumber}  expires in ${formatDuration(Date.parse(notAfter) - nowMs)}`,
  );
  const lines = [
    `trust domain ${status.trustDomain}, SVIDs last ${formatDuration(status.svidTtlMs)}`,
    'authorities',
    ...authorities,
    'JWT keys',
    ...status.jwtAuthorities.map(({ keyId, role }) => `  ${role.padEnd(8)}  ${keyId}`),
    ...status.federations.map(formatFederation),
    ...status.bundleEndpoints.map(({ profile, url }) => `bundle endpoint ${url} (${profile})`),
    'workloads',
  ];
  return [...lines, ...status.workloads.flatMap((workload) => formatWorkload(workload, nowMs))];
}

function formatWorkload({ name, identities, watchers }: WorkloadStatus, nowMs: number): string[] {
  const streams = watchers === 1 ? '1 stream' : `${watchers} streams`;
  if (identities.length === 0) return [`  ${name}  not registered, ${streams}`];
  return identities.map(({ spiffeId, serialNumber, notAfter, hint }) => {
    const hinted = hint === undefined ? '' : `, hint ${hint}`;
    return `  ${name}  ${spiffeId}${hinted}, serial ${serialNumber}, expires in ${formatDuration(Date.parse(notAfter) - nowMs)}, ${streams}`;
  });
}
