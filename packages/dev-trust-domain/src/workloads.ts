/**
 * The workloads: their registrations, SVIDs, sockets, and the timers that replace SVIDs before they expire.
 *
 * Methods that change something (`add`, `issue`, `remove`, `close`) are called from the trust domain's queue; the
 * timers put themselves there.
 */
import { join } from 'node:path';
import { quote } from '@countersign/spiffe-tls';
import { status } from '@grpc/grpc-js';
import type { Authorities } from './authorities.ts';
import { createCallInterceptor } from './call-interceptor.ts';
import { Calls } from './calls.ts';
import type { CertificateAuthority, IssuedSvid } from './certificate-authority.ts';
import { DevTrustDomainError } from './errors.ts';
import { Faults } from './faults.ts';
import { Federation } from './federation.ts';
import type { JwtAuthority, JwtKey } from './jwt-authority.ts';
import { JwtIssuer } from './jwt-issuer.ts';
import type { Settings } from './options.ts';
import type { Queue } from './queue.ts';
import type { Registration } from './registration.ts';
import type { IdentityStatus, WorkloadStatus } from './status.ts';
import { targetOf } from './tcp-listener.ts';
import type { TrustBundle } from './trust-bundle.ts';
import { type Identity, Workload, type WorkloadState } from './workload.ts';
import { listenWorkloadApi, type WorkloadApiServer } from './workload-api-server.ts';

/** A process that was stopped by a debugger takes nothing in; the others must not wait for it. */
const PUBLISH_LIMIT_MS = 1000;

/** Timers stand still while a laptop sleeps, so the calendar is looked at in between. */
const MAX_PAUSE_MS = 15_000;

/** A workload with what belongs to it. */
interface Entry {
  readonly workload: Workload;
  readonly server: WorkloadApiServer;
  /** By SPIFFE ID, in the order registered: the first is the default identity. */
  readonly registrations: Map<string, Registration>;
  /** What it was registered as first, for a `register` that gives a name alone. */
  readonly remembered: Registration;
  rotatesAtMs: number;
  cancelRotation: () => void;
}

/** What signs. */
export interface Signers {
  readonly ca: Authorities<CertificateAuthority, Uint8Array>;
  readonly jwt: Authorities<JwtAuthority, JwtKey>;
}

/** All workloads of a trust domain. */
export class Workloads {
  readonly #settings: Settings;
  readonly #signers: Signers;
  readonly #jwtIssuer: JwtIssuer;
  /** The trust domains whose bundles workloads can get. */
  readonly federation: Federation;
  /** What tests make go wrong. */
  readonly faults = new Faults();
  /** What workloads called. */
  readonly calls = new Calls();
  readonly #queue: Queue;
  readonly #entries = new Map<string, Entry>();
  #lastExpiryMs = 0;

  constructor(settings: Settings, signers: Signers, queue: Queue) {
    this.#settings = settings;
    this.#signers = signers;
    this.#jwtIssuer = new JwtIssuer(settings, signers.jwt);
    this.#queue = queue;
    const { trustDomain, clock, log } = settings;
    this.federation = new Federation({
      trustDomain,
      clock,
      ownBundle: () => this.ownBundle,
      changed: (name) => {
        log({ event: 'federated-bundle-changed', with: name });
        void this.publishBundle();
      },
      failed: (name, { code, message }) => log({ event: 'federation-failed', with: name, code, message }),
    });
  }

  names(): string[] {
    return [...this.#entries.keys()];
  }

  /** When the last SVID issued so far expires. */
  get lastExpiryMs(): number {
    return this.#lastExpiryMs;
  }

  /** When the last JWT-SVID issued so far expires. */
  get lastJwtExpiryMs(): number {
    return this.#jwtIssuer.lastExpiryMs;
  }

  /** What this trust domain's SVIDs are verified by now. */
  get ownBundle(): TrustBundle {
    return {
      trustDomainId: this.#settings.trustDomain.id,
      x509Authorities: this.#signers.ca.materials,
      jwtAuthorities: this.#signers.jwt.materials,
    };
  }

  /** @throws {DevTrustDomainError} `UNKNOWN_WORKLOAD` */
  socketOf(name: string): string {
    this.#entry(name);
    return toAddress(this.#pathOf(name));
  }

  remembered(name: string): Registration | undefined {
    return this.#entries.get(name)?.remembered;
  }

  /** Adds an identity, or replaces the one with the same SPIFFE ID. A name that is new gets a socket. */
  async add(registration: Registration): Promise<void> {
    this.#refuseClash(registration);
    const entry = this.#entries.get(registration.name) ?? (await this.#open(registration));
    entry.registrations.set(registration.spiffeId, registration);
  }

  /** @throws {DevTrustDomainError} `UNKNOWN_WORKLOAD` */
  async remove(name: string, spiffeId?: string): Promise<void> {
    const { registrations } = this.#entry(name);
    if (spiffeId === undefined) registrations.clear();
    else if (!registrations.delete(spiffeId)) {
      throw new DevTrustDomainError('UNKNOWN_WORKLOAD', `workload ${quote(name)} has no identity ${quote(spiffeId)}`);
    }
    await this.issue(name);
  }

  /** Issues new SVIDs for a workload and sends them; settles when every open stream has them. */
  async issue(name: string): Promise<void> {
    const entry = this.#entry(name);
    entry.cancelRotation();
    if (entry.registrations.size === 0) return this.#publish(entry, { type: 'unregistered' });
    const identities = await Promise.all(
      [...entry.registrations.values()].map((registration) => this.#issueOne(registration)),
    );
    this.#scheduleRotation(name, entry, identities);
    await this.#publish(entry, { type: 'registered', identities, bundles: this.#bundlesFor(entry) });
  }

  async issueAll(): Promise<void> {
    await Promise.all(this.names().map((name) => this.issue(name)));
  }

  /** Sends the present bundle with the SVIDs that are in use. */
  async publishBundle(): Promise<void> {
    await Promise.all(
      [...this.#entries.values()].map(async (entry) => {
        const { state } = entry.workload;
        if (state.type === 'registered') await this.#publish(entry, { ...state, bundles: this.#bundlesFor(entry) });
      }),
    );
  }

  /** @throws {DevTrustDomainError} `UNKNOWN_WORKLOAD` */
  statusOf(name: string): WorkloadStatus {
    const { workload, server, remembered } = this.#entry(name);
    const { dangerouslyListenOnTcp: tcp } = remembered;
    const identities = workload.state.type === 'registered' ? workload.state.identities : [];
    return {
      name,
      socket: this.socketOf(name),
      ...(tcp && server.tcpPort ? { tcp: `tcp://${targetOf({ ...tcp, port: server.tcpPort })}` } : {}),
      watchers: workload.watcherCount,
      identities: identities.map(toIdentityStatus),
    };
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#entries.values()].map(async (entry) => {
        entry.cancelRotation();
        await this.#publish(entry, { type: 'closing' });
        // Those that a fault holds back have heard of nothing yet.
        this.calls.end({ workload: entry.remembered.name }, status.UNAVAILABLE, 'the trust domain is stopping');
        await entry.server.close();
      }),
    );
    this.#entries.clear();
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined)
      throw new DevTrustDomainError(
        'UNKNOWN_WORKLOAD',
        `no workload ${quote(name)}; there are ${this.names().join(', ')}`,
      );
    return entry;
  }

  /** SPIFFE: a workload trusts another trust domain only where its registration says so. */
  #bundlesFor({ registrations }: Entry): [TrustBundle, ...TrustBundle[]] {
    const named = [...registrations.values()].flatMap(({ federatesWith = [] }) => federatesWith);
    return [this.ownBundle, ...this.federation.bundlesOf(named)];
  }

  #pathOf(name: string): string {
    return join(this.#settings.runDirectory, name, 'api.sock');
  }

  async #open(registration: Registration): Promise<Entry> {
    const { name, owner, dangerouslyListenOnTcp: tcp } = registration;
    const workload = new Workload();
    const server = await listenWorkloadApi({
      path: this.#pathOf(name),
      ...(owner === undefined ? {} : { owner }),
      ...(tcp === undefined ? {} : { tcp }),
      workload,
      issueJwt: (spiffeId, audience) => this.#jwtIssuer.issue(spiffeId, audience),
      now: () => this.#settings.clock.now(),
      interceptor: createCallInterceptor({
        workload: name,
        faults: this.faults,
        calls: this.calls,
        clock: this.#settings.clock,
      }),
      refresh: () => this.#refresh(name),
    });
    if (tcp !== undefined) this.#settings.log({ event: 'workload-api-on-tcp', workload: name, port: server.tcpPort });
    const entry: Entry = {
      workload,
      server,
      registrations: new Map(),
      remembered: registration,
      rotatesAtMs: 0,
      cancelRotation: () => {},
    };
    this.#entries.set(name, entry);
    return entry;
  }

  /** Hints tell a workload's identities apart, common names tell PostgreSQL's clients apart. */
  #refuseClash(added: Registration): void {
    const others = [...this.#entries.values()]
      .flatMap((entry) => [...entry.registrations.values()])
      .filter((other) => other.spiffeId !== added.spiffeId);
    const [commonName] = added.dnsNames;
    if (commonName !== undefined && others.some((other) => other.dnsNames[0] === commonName)) {
      throw new DevTrustDomainError(
        'REGISTRATION',
        `registration: ${quote(commonName)} is the common name of another identity already`,
      );
    }
    if (added.hint !== undefined && others.some((other) => other.name === added.name && other.hint === added.hint)) {
      throw new DevTrustDomainError(
        'REGISTRATION',
        `registration: ${quote(added.name)} has another identity with the hint ${quote(added.hint)}`,
      );
    }
  }

  async #issueOne(registration: Registration): Promise<Identity> {
    return { registration, svid: await this.issueFor(registration) };
  }

  /** An SVID of the active CA, with the settings of all. */
  async issueFor({ spiffeId, dnsNames }: Pick<Registration, 'spiffeId' | 'dnsNames'>): Promise<IssuedSvid> {
    const { clock, svidTtlMs, backdateMs, keyType } = this.#settings;
    const nowMs = clock.now();
    const svid = await this.#signers.ca.active.issue({
      spiffeId,
      dnsNames,
      keyType,
      notBeforeMs: nowMs - backdateMs,
      notAfterMs: nowMs + svidTtlMs,
    });
    this.#lastExpiryMs = Math.max(this.#lastExpiryMs, svid.notAfterMs);
    return svid;
  }

  #scheduleRotation(name: string, entry: Entry, identities: readonly Identity[]): void {
    const { clock, rotateAtFraction, rotationJitter, random } = this.#settings;
    const lifeMs = Math.min(...identities.map(({ svid }) => svid.notAfterMs)) - clock.now();
    entry.rotatesAtMs = Math.floor(
      clock.now() + Math.max(0, lifeMs * rotateAtFraction * (1 - rotationJitter * random())),
    );
    this.#awaitRotation(name, entry);
  }

  #awaitRotation(name: string, entry: Entry): void {
    const { clock } = this.#settings;
    const delayMs = Math.min(MAX_PAUSE_MS, Math.max(0, entry.rotatesAtMs - clock.now()));
    entry.cancelRotation = clock.schedule(delayMs, () => {
      if (clock.now() < entry.rotatesAtMs) this.#awaitRotation(name, entry);
      else void this.#rotateDue(name);
    });
  }

  /** A host that slept wakes with SVIDs that have expired: they are replaced before anyone is given them. */
  async #refresh(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    const isDue = entry?.workload.state.type === 'registered' && this.#settings.clock.now() >= entry.rotatesAtMs;
    if (isDue) await this.#rotateDue(name);
  }

  async #rotateDue(name: string): Promise<void> {
    try {
      await this.#queue(() => this.issue(name));
      this.#settings.log({ event: 'svid-renewed', workload: name });
    } catch (cause) {
      this.#settings.log({ event: 'svid-renewal-failed', workload: name, error: String(cause) });
    }
  }

  async #publish(entry: Entry, state: WorkloadState): Promise<void> {
    let cancel = () => {};
    const limit = new Promise<void>((resolve) => {
      cancel = this.#settings.clock.schedule(PUBLISH_LIMIT_MS, resolve);
    });
    await Promise.race([entry.workload.publish(state), limit]);
    cancel();
  }
}

/** A URI's path: a blank in a home directory's name has to be encoded. */
function toAddress(path: string): string {
  return `unix://${path.split('/').map(encodeURIComponent).join('/')}`;
}

function toIdentityStatus({ registration, svid }: Identity): IdentityStatus {
  return {
    spiffeId: registration.spiffeId,
    dnsNames: registration.dnsNames,
    ...(registration.hint === undefined ? {} : { hint: registration.hint }),
    serialNumber: svid.serialNumber,
    notBefore: new Date(svid.notBeforeMs).toISOString(),
    notAfter: new Date(svid.notAfterMs).toISOString(),
  };
}
