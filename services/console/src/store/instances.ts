/** One running process of a workload, as its telemetry tells: a small state machine, without a clock of its own. */
import type { SvidInUse, WorkloadInstance } from '../wire/model.ts';
import type { IdentityFacts } from './identity-facts.ts';
import type { Sender } from './sender.ts';

export interface Instance extends Sender {
  /** SPIFFE ID, as soon as it has named its own. */
  readonly workloadId?: string;
  readonly hasIdentity: boolean;
  /** It said that it stops: what still comes of it is its last. */
  readonly stopped: boolean;
  readonly silent: boolean;
  readonly lastReportAt: number;
  /** Of what is known of its identity. */
  readonly identityAt: number;
  readonly svid?: SvidInUse;
  readonly trustDomains: readonly string[];
}

export function newInstance({ service, instanceId }: Sender, nowMs: number): Instance {
  return {
    service,
    instanceId,
    // Until it says otherwise: what calls and is called has one.
    hasIdentity: true,
    stopped: false,
    silent: false,
    lastReportAt: nowMs,
    identityAt: 0,
    trustDomains: [],
  };
}

/** Takes a record of its identity source in. What is older than what is known changes nothing. */
export function withIdentity(instance: Instance, facts: IdentityFacts): Instance {
  if (facts.at < instance.identityAt) return instance;
  if (facts.type === 'withdrawn') {
    const { svid: _svid, ...rest } = instance;
    return { ...rest, hasIdentity: false, identityAt: facts.at };
  }
  const { spiffeId: workloadId, serial, notBefore, notAfter, trustDomains } = facts;
  const since = instance.svid?.serial === serial ? instance.svid.since : facts.at;
  const svid = svidOf({ serial, notBefore, notAfter, since });
  return { ...instance, workloadId, hasIdentity: true, svid, trustDomains, identityAt: facts.at };
}

/** Whether these facts put another SVID in the place of the one in use. */
export function isRotation({ svid, identityAt }: Instance, facts: IdentityFacts): boolean {
  return (
    facts.type === 'update' &&
    facts.at >= identityAt &&
    svid !== undefined &&
    svid.serial !== '' &&
    svid.serial !== facts.serial
  );
}

/** What metrics say of the identity, for an instance whose `identity` record came before there was a console. */
export interface IdentityReading {
  readonly at: number;
  readonly available?: boolean;
  readonly notAfter?: number;
  readonly lifetimeMs?: number;
  readonly trustDomains: readonly string[];
}

export function withReading(instance: Instance, reading: IdentityReading): Instance {
  const { at, available = instance.hasIdentity, notAfter, lifetimeMs } = reading;
  // A record says the same at once and exactly; a reading of before it is out of date.
  if (at < instance.identityAt) return instance;
  if (!available) {
    const { svid: _svid, ...rest } = instance;
    return { ...rest, hasIdentity: false };
  }
  const trustDomains = instance.trustDomains.length === 0 ? reading.trustDomains : instance.trustDomains;
  const known = { ...instance, hasIdentity: true, trustDomains };
  if (instance.svid !== undefined || notAfter === undefined || lifetimeMs === undefined) return known;
  return { ...known, svid: svidOf({ serial: '', notBefore: notAfter - lifetimeMs, notAfter, since: at }) };
}

/** Takes the serial number that a call was made with, where none is known yet. */
export function withSerial(instance: Instance, serial: string): Instance {
  if (instance.svid === undefined || instance.svid.serial !== '') return instance;
  return { ...instance, svid: { ...instance.svid, serial: serial.toUpperCase() } };
}

/** Half of its life is when both the development trust domain and SPIRE's agent renew. */
function svidOf(svid: Omit<SvidInUse, 'rotatesAt'>): SvidInUse {
  return { ...svid, rotatesAt: svid.notBefore + (svid.notAfter - svid.notBefore) / 2 };
}

/** As the page sees it. */
export function viewOf({ instanceId, stopped, silent, hasIdentity, svid, lastReportAt }: Instance): WorkloadInstance {
  const state = stopped || silent ? 'silent' : hasIdentity ? 'ready' : 'no-identity';
  return { instanceId, state, lastReportAt, ...(svid !== undefined && { svid }) };
}
