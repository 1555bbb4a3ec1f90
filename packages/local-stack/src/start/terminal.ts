/**
 * What `npm start` shows: a line for each part as it becomes ready, then requests, refusals and warnings. Everything else
 * is in the log files.
 */
import pinoPretty from 'pino-pretty';
import type { LogRecord } from '../part.ts';
import type { ProgramName } from '../supervisor.ts';

/** Where lines go. */
export interface Terminal {
  /** A part became ready. */
  ready(program: ProgramName, where: string): void;
  record(program: ProgramName, record: LogRecord): void;
  say(text: string): void;
}

/** What the parts are called on screen. */
const titles: Readonly<Record<ProgramName, string>> = {
  'trust-domain': 'trust domain',
  postgres: 'PostgreSQL',
  'db-migrate': 'migrations',
  'db-client': 'db-client',
  backend: 'backend',
  customer: 'customer',
  console: 'console',
};

/** @param out where to write; colours only on a terminal */
export function createTerminal(out: NodeJS.WriteStream, startedAt: number = Date.now()): Terminal {
  const pretty = pinoPretty({
    destination: out,
    colorize: out.isTTY === true,
    messageKey: 'message',
    timestampKey: 'time',
    translateTime: 'SYS:HH:MM:ss.l',
    hideObject: true,
    ignore: 'pid,hostname,service',
    messageFormat: (record) => describeRecord(record),
    sync: true,
  });
  const say = (text: string) => void out.write(`${text}\n`);
  const isNews = createComplaintFilter();
  return {
    say,
    ready(program, where) {
      const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
      say(`  ${titles[program].padEnd(14)}${where.padEnd(46)}${seconds} s`);
    },
    record(program, record) {
      if (isShown(record) && isNews(program, record))
        pretty.write(`${JSON.stringify({ ...record, service: program })}\n`);
    },
  };
}

/** Requests and refusals, and whatever is a warning or worse. */
export function isShown(record: LogRecord): boolean {
  const { event, level } = record;
  return event === 'request' || event === 'refused' || level === 'warn' || level === 'error' || level === 'fatal';
}

/** How long a program's telemetry may complain unheard after it was shown. */
const COMPLAINT_EVERY_MS = 60_000;

/**
 * Telemetry that can't be delivered is said with every export, several times a second: here once a minute for each program,
 * and not in the first one, because the console, which takes it, starts last. The log file has all of it.
 */
export function createComplaintFilter(now: () => number = Date.now) {
  const startedAt = now();
  const shownAt = new Map<ProgramName, number>();
  return (program: ProgramName, { event }: LogRecord): boolean => {
    if (event !== 'telemetry') return true;
    const isNews = now() - (shownAt.get(program) ?? startedAt) >= COMPLAINT_EVERY_MS;
    if (isNews) shownAt.set(program, now());
    return isNews;
  };
}

/** A record as one line: who refused whom and why, who asked for what and what became of it. */
export function describeRecord(record: LogRecord): string {
  const text = (name: string): string => {
    const value = record[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const service = text('service').padEnd(9);
  if (record['event'] === 'refused') {
    const found = [
      text('code'),
      text('expected') && `expected ${text('expected')}`,
      text('got') && `got ${text('got')}`,
    ];
    return `${service} refused ${text('transport')}: ${found.filter((part) => part !== '').join(', ')}`;
  }
  if (record['event'] === 'request') {
    const peer = text('peer') === '' ? '' : ` from ${text('peer')}`;
    const decision = text('decision') === '' ? '' : `, ${text('decision')}`;
    return `${service} ${text('operation')}${peer}: ${text('status')}${decision}, ${text('duration_ms')} ms`;
  }
  return `${service} ${[text('event'), text('code'), text('message')].filter((part) => part !== '').join(' ')}`;
}
