/** The whole system on one machine, for `npm start` and for tests. Development only. */
export type { PartName } from './definitions.ts';
export { LocalStackError, type LocalStackErrorCode } from './errors.ts';
export type { IdentityControl } from './identity-control.ts';
export type { RecordPredicate } from './log-watch.ts';
export type { LogRecord } from './part.ts';
export { defaultPorts, freePorts, type Ports, portVariable } from './ports.ts';
export { removeStateDirectory } from './remove-state.ts';
export { spireFromEnv } from './settings.ts';
export type { SpireAuthorities, SpireAuthority, SpireControl } from './spire/control.ts';
export type { SpireEntry } from './spire/entries.ts';
export { rootsOf } from './spire/identity-control.ts';
export type { SpireOptions } from './spire/provider.ts';
export { type SpireSystem, type SpireSystemOptions, startSpireSystem } from './spire/system.ts';
export { recordsFromNow, untilEveryoneHas } from './spire/workload-updates.ts';
export type { ProgramName } from './supervisor.ts';
export { type RunningSystem, type System, type SystemOptions, startSystem } from './system.ts';
export { findRunningSystem, type SystemAddresses, type SystemFile } from './system-file.ts';
export { openWorkloadSocket, type WorkloadSocket } from './workload-socket.ts';
