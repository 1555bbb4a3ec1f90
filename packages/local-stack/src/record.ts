/**
 * One JSON line a record on stdout, in the shape of the services' own logs.
 */

/** Writes a record. `level`, `time` and `service` come first, as in every other log of the system. */
export function writeRecord(service: string, record: Record<string, unknown>): void {
  const { level = 'info', ...rest } = record;
  process.stdout.write(`${JSON.stringify({ level, time: new Date().toISOString(), service, ...rest })}\n`);
}
