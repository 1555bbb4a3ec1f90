/** `npm run kind -- COMMAND`: the system on a cluster, for people without Tilt, and what can be done to it while it runs. */
import { parseArgs } from 'node:util';
import { LocalStackError, messageOf } from '../errors.ts';
import { clusterActions } from './cluster-actions.ts';
import { runKindDoctor } from './doctor/doctor.ts';
import { down, open, testCluster, up } from './lifecycle.ts';
import { limits } from './order-load.ts';
import { everyVia, type Via } from './orders.ts';

/** What the program is run with. */
export interface KindContext {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  print(text: string): void;
  printError(text: string): void;
}

const USAGE = `usage: npm run kind -- COMMAND

  up                       registry, cluster, SPIRE, images, manifests; idempotent
  down                     removes all of it
  doctor [--json]          what this machine lacks, with evidence and fix; changes nothing
  open                     http://127.0.0.1:8080, console and Jaeger, until Ctrl-C

  order [--via ${everyVia.join('|')}]  places an order, and shows its hops
  load [--seconds N] [--rate N]  orders in turn by both, at most ${limits.seconds} s and ${limits.rate} a second
  smoke                    an order by each way, read back, and found in backend's log
  identities               waits until each workload has its ClusterSPIFFEID
  rotate                   every SVID renewed now
  roll-ca                  SPIRE's authority: prepared, activated, tainted, revoked
  rogue add | remove       the same image under an identity that no grant names
  policy swap | restore    a policy by which nobody places orders, and the committed one again
  federate | unfederate    a second trust domain with a SPIRE server of its own
  explain                  the last refusal
  test                     the suite of test/cluster, against this cluster`;

/** Wrong use: answered with the usage. */
class UsageError extends Error {}

/** @returns exit code: 0 done, 1 it failed, 2 wrong use */
export async function runKind(context: KindContext): Promise<number> {
  try {
    return await dispatch(context);
  } catch (error) {
    context.printError(`kind: ${messageOf(error)}`);
    if (error instanceof UsageError) context.printError(USAGE);
    else if (!(error instanceof LocalStackError)) throw error;
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch(context: KindContext): Promise<number> {
  const { words, options } = parse(context.args);
  const command = words.join(' ');
  const actions = clusterActions(context);
  const done = async (work: Promise<unknown>) => {
    await work;
    return 0;
  };
  switch (command) {
    case 'up':
      return done(up(context));
    case 'down':
      return done(down());
    case 'doctor':
      return runKindDoctor(context, options.json ?? false);
    case 'open':
      return done(open(context));
    case 'order':
      return done(actions.order(viaOf(options.via)));
    case 'load':
      return actions.load({ seconds: amount('seconds', options.seconds, 30), rate: amount('rate', options.rate, 5) });
    case 'smoke':
      return done(actions.smoke());
    case 'identities':
      return done(actions.identities());
    case 'rotate':
      return done(actions.rotate());
    case 'roll-ca':
      return done(actions.rollCa());
    case 'rogue add':
      return done(actions.addRogue());
    case 'rogue remove':
      return done(actions.removeRogue());
    case 'policy swap':
      return done(actions.swapPolicy());
    case 'policy restore':
      return done(actions.restorePolicy());
    case 'federate':
      return done(actions.federate());
    case 'unfederate':
      return done(actions.unfederate());
    case 'test':
      return done(testCluster());
    case 'explain':
      return actions.explain();
    default:
      throw new UsageError(command === '' ? 'a command is needed' : `there is no command ${JSON.stringify(command)}`);
  }
}

interface Options {
  readonly via?: string;
  readonly seconds?: string;
  readonly rate?: string;
  readonly json?: boolean;
}

function parse(args: readonly string[]): { words: readonly string[]; options: Options } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        via: { type: 'string' },
        seconds: { type: 'string' },
        rate: { type: 'string' },
        json: { type: 'boolean' },
      },
      allowPositionals: true,
    });
    return { words: positionals, options: values };
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function viaOf(text: string | undefined): Via {
  const found = everyVia.find((via) => via === (text ?? 'http'));
  if (found === undefined) throw new UsageError(`--via must be ${everyVia.join(' or ')}, got ${JSON.stringify(text)}`);
  return found;
}

function amount(name: keyof typeof limits, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 1 && value <= limits[name]))
    throw new UsageError(`--${name} must be from 1 to ${limits[name]}, got ${JSON.stringify(text)}`);
  return value;
}
