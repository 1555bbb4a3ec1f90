/**
 * The commands that make the Workload API go wrong, and show what its clients do.
 */
import { type Command, required, show, usageError } from './cli-command.ts';
import { parseDuration } from './duration.ts';
import { parseStatusName } from './faults.ts';

/** `fault <method>`. */
export const fault: Command = async (control, name, context) => {
  const { workload, code, details, delay, response, times, clear } = context.flags;
  if (clear) {
    if (name !== undefined) throw usageError('fault --clear takes no method');
    await control.clearFaults();
    return show(context, {}, () => ['no fault waits']);
  }
  if (times !== undefined && !/^\d{1,7}$/.test(times))
    throw usageError(`--times: must be a whole number, got ${times}`);
  await control.injectFault({
    method: required(name, 'fault', 'method'),
    ...(workload === undefined ? {} : { workload }),
    ...(code === undefined ? {} : { code: parseStatusName(code) }),
    ...(details === undefined ? {} : { details }),
    ...(delay === undefined ? {} : { delayMs: parseDuration('--delay', delay) }),
    ...(response === undefined ? {} : { response: Buffer.from(response, 'base64') }),
    ...(times === undefined ? {} : { times: Number(times) }),
  });
  return show(context, {}, () => [`${name} of ${workload ?? 'every workload'} goes wrong ${times ?? 1} times`]);
};

/** `close-streams [name]`. */
export const closeStreams: Command = async (control, name, context) => {
  const { method, code, details } = context.flags;
  const closed = await control.closeStreams({
    ...(name === undefined ? {} : { workload: name }),
    ...(method === undefined ? {} : { method }),
    ...(code === undefined ? {} : { code: parseStatusName(code) }),
    ...(details === undefined ? {} : { details }),
  });
  show(context, closed, () => [`ended ${closed}`]);
};

/** `calls [name]`. */
export const showCalls: Command = async (control, name, context) => {
  const calls = await control.calls(name === undefined ? {} : { workload: name });
  show(context, calls, () =>
    calls.map(({ at, workload, method, status = 'open', metadata }) =>
      [at, workload, method, status, JSON.stringify(metadata)].join('  '),
    ),
  );
};
