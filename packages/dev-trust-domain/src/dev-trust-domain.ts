/**
 * A SPIFFE trust domain for development: a CA, registrations, and one Workload API socket for each workload.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { quote } from '@countersign/spiffe-tls';
import { status } from '@grpc/grpc-js';
import { Authorities, createMemoryStore, type PublishedAuthority } from './authorities.ts';
import { AuthorityRotation } from './authority-rotation.ts';
import { BundleEndpoints } from './bundle-endpoint.ts';
import { createFileStore } from './ca-store.ts';
import type { CallFilter, CallRecord } from './calls.ts';
import { type CertificateAuthority, createCaKind } from './certificate-authority.ts';
import type {
  CloseStreamsOptions,
  RegistrationRequest,
  RotateAuthorityOptions,
  TrustDomainControl,
} from './control.ts';
import { type ControlServer, listenControl } from './control-server.ts';
import type { EndpointFederation } from './endpoint-federation.ts';
import { DevTrustDomainError } from './errors.ts';
import { type Fault, parseFault } from './faults.ts';
import type { BundleListener, FollowedTrustDomain } from './federation.ts';
import { createJwtAuthorityKind, createJwtFileStore, type JwtAuthority, type JwtKey } from './jwt-authority.ts';
import { type DevTrustDomainOptions, resolveSettings, type Settings } from './options.ts';
import { createQueue } from './queue.ts';
import { parseName, parseRegistration } from './registration.ts';
import type {
  AuthorityStatus,
  CaRotationResult,
  FederationStatus,
  JwtRotationResult,
  TrustDomainStatus,
  WorkloadStatus,
} from './status.ts';
import { type Signers, Workloads } from './workloads.ts';

/** A running trust domain. */
export interface DevTrustDomain extends TrustDomainControl, FollowedTrustDomain, AsyncDisposable {
  /** The address to put into a workload's `SPIFFE_ENDPOINT_SOCKET`. @throws {DevTrustDomainError} `UNKNOWN_WORKLOAD` */
  socketOf(name: string): string;
  /** Its name. */
  readonly trustDomain: string;
  /** Federates with another trust domain of this process, and follows its rotations. */
  federateWith(other: FollowedTrustDomain): Promise<void>;
  /** Path of the control socket. */
  readonly controlSocket: string;
  /** Settles when the present root has left the bundle for good, that is, after the overlap of the last rotation. */
  whenOldRootsDropped(): Promise<void>;
  /** Settles when the JWT keys that rotations relieved have left the bundle. */
  whenOldJwtKeysDropped(): Promise<void>;
  /** Ends every stream with UNAVAILABLE and removes the sockets. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a trust domain; when this settles, every socket listens and every registered workload has an SVID.
 * @throws {DevTrustDomainError} `PRODUCTION`, `CONFIGURATION`, `REGISTRATION`, `SOCKET` or `CA_STORE`. Nothing is left running then.
 * @example
 * const trustDomain = await startDevTrustDomain({
 *   trustDomain: 'example.org',
 *   runDirectory: '/tmp/td',
 *   registrations: [{ name: 'backend', spiffeId: 'spiffe://example.org/backend', dnsNames: ['backend.example.org'] }],
 * });
 * trustDomain.socketOf('backend'); // unix:///tmp/td/backend/api.sock
 */
export async function startDevTrustDomain(options: DevTrustDomainOptions): Promise<DevTrustDomain> {
  const settings = resolveSettings({ ...options, runDirectory: resolve(options.runDirectory) });
  const running = new RunningTrustDomain(settings, await openSigners(settings));
  try {
    await running.start();
  } catch (cause) {
    await running.close();
    throw cause;
  }
  return running;
}

async function openSigners(settings: Settings): Promise<Signers> {
  const { trustDomain, caDirectory, caTtlMs: ttlMs, intermediates, jwtAlgorithm: algorithm, clock, log } = settings;
  const directory = caDirectory === undefined ? undefined : resolve(caDirectory);
  const caStore =
    directory === undefined
      ? createMemoryStore<CertificateAuthority, Uint8Array>()
      : createFileStore(directory, trustDomain);
  const jwtStore = directory === undefined ? createMemoryStore<JwtAuthority, JwtKey>() : createJwtFileStore(directory);
  const ca = await Authorities.open(createCaKind({ trustDomain, ttlMs, intermediates, store: caStore }), clock.now());
  const jwt = await Authorities.open(createJwtAuthorityKind({ algorithm, ttlMs, store: jwtStore }), clock.now());
  if (ca.replaced !== undefined) log({ event: 'ca-created', reason: ca.replaced });
  if (jwt.replaced !== undefined) log({ event: 'jwt-key-created', reason: jwt.replaced });
  return { ca: ca.authorities, jwt: jwt.authorities };
}

class RunningTrustDomain implements DevTrustDomain {
  readonly trustDomain: string;
  readonly controlSocket: string;
  readonly #settings: Settings;
  readonly #signers: Signers;
  readonly #workloads: Workloads;
  readonly #caRotation: AuthorityRotation;
  readonly #jwtRotation: AuthorityRotation;
  readonly #endpoints: BundleEndpoints;
  readonly #queue = createQueue();
  readonly #startedAtMs: number;
  #control: ControlServer | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings, signers: Signers) {
    this.controlSocket = join(settings.runDirectory, 'control', 'control.sock');
    this.trustDomain = settings.trustDomain.name;
    this.#settings = settings;
    this.#signers = signers;
    this.#startedAtMs = settings.clock.now();
    const workloads = new Workloads(settings, signers, this.#queue);
    this.#workloads = workloads;
    this.#endpoints = new BundleEndpoints({
      settings,
      document: () => workloads.federation.document(),
      jwtKeys: () => workloads.ownBundle.jwtAuthorities,
      issue: (spiffeId) => workloads.issueFor({ spiffeId, dnsNames: [] }),
    });
    const shared = { settings, queue: this.#queue, publish: () => this.#publishBundle() };
    this.#caRotation = new AuthorityRotation({
      ...shared,
      kind: 'ca',
      idField: 'serial',
      authorities: signers.ca,
      signedTtlMs: settings.svidTtlMs,
      reissue: async () => {
        await Promise.all([workloads.issueAll(), this.#endpoints.renew(), workloads.federation.publish()]);
      },
      lastExpiryMs: () => workloads.lastExpiryMs,
    });
    this.#jwtRotation = new AuthorityRotation({
      ...shared,
      kind: 'jwt-key',
      idField: 'key_id',
      authorities: signers.jwt,
      signedTtlMs: settings.jwtTtlMs,
      // Workloads ask for tokens when they need them; the order of the keys is all that changes.
      reissue: () => this.#publishBundle(),
      lastExpiryMs: () => workloads.lastJwtExpiryMs,
    });
  }

  async start(): Promise<void> {
    await mkdir(this.#settings.runDirectory, { recursive: true, mode: 0o700 });
    // The control socket first: that it can be bound shows that no other trust domain lives in this directory.
    this.#control = await listenControl(this.controlSocket, this);
    for (const registration of this.#settings.registrations) await this.#workloads.add(registration);
    await this.#queue(() => this.#workloads.issueAll());
    for (const options of this.#settings.bundleEndpoints) await this.#endpoints.open(options);
    this.#caRotation.start();
    this.#jwtRotation.start();
  }

  socketOf(name: string): string {
    return this.#workloads.socketOf(name);
  }

  async status(): Promise<TrustDomainStatus> {
    return {
      trustDomain: this.#settings.trustDomain.name,
      startedAt: toIso(this.#startedAtMs),
      svidTtlMs: this.#settings.svidTtlMs,
      authorities: this.#signers.ca.published.map(toAuthorityStatus),
      jwtAuthorities: this.#signers.jwt.published.map(({ id, role }) => ({ keyId: id, role })),
      federatesWith: this.#workloads.federation.names(),
      federations: this.#workloads.federation.status(),
      bundleEndpoints: this.#endpoints.status,
      workloads: this.#workloads.names().map((name) => this.#workloads.statusOf(name)),
    };
  }

  async rotate(name?: string): Promise<readonly WorkloadStatus[]> {
    this.#assertOpen();
    const names = name === undefined ? this.#workloads.names() : [name];
    await this.#queue(async () => void (await Promise.all(names.map((each) => this.#workloads.issue(each)))));
    this.#settings.log({ event: 'svids-rotated', workloads: names });
    return names.map((each) => this.#workloads.statusOf(each));
  }

  async rotateCa(options: RotateAuthorityOptions = {}): Promise<CaRotationResult> {
    this.#assertOpen();
    const { id, previousId, dropsAt } = await this.#caRotation.rotate(options);
    return { serialNumber: id, previousSerialNumber: previousId, dropsAt };
  }

  async rotateJwt(options: RotateAuthorityOptions = {}): Promise<JwtRotationResult> {
    this.#assertOpen();
    const { id, previousId, dropsAt } = await this.#jwtRotation.rotate(options);
    return { keyId: id, previousKeyId: previousId, dropsAt };
  }

  async register(request: RegistrationRequest): Promise<WorkloadStatus> {
    this.#assertOpen();
    return this.#queue(async () => {
      const registration = parseRegistration(this.#complete(request), this.#settings.trustDomain);
      await this.#workloads.add(registration);
      await this.#workloads.issue(registration.name);
      this.#settings.log({ event: 'registered', workload: registration.name, spiffe_id: registration.spiffeId });
      return this.#workloads.statusOf(registration.name);
    });
  }

  async unregister(name: string, spiffeId?: string): Promise<WorkloadStatus> {
    this.#assertOpen();
    return this.#queue(async () => {
      await this.#workloads.remove(name, spiffeId);
      this.#settings.log({
        event: 'unregistered',
        workload: name,
        ...(spiffeId === undefined ? {} : { spiffe_id: spiffeId }),
      });
      return this.#workloads.statusOf(name);
    });
  }

  async bundleDocument(): Promise<string> {
    return this.#workloads.federation.document();
  }

  watchBundle(listener: BundleListener): () => void {
    return this.#workloads.federation.watch(listener);
  }

  async federate(trustDomain: string, bundleDocument: string): Promise<void> {
    this.#assertOpen();
    this.#workloads.federation.set(trustDomain, bundleDocument);
    await this.#workloads.publishBundle();
    this.#settings.log({ event: 'federated', with: trustDomain });
  }

  async federateByEndpoint(request: EndpointFederation): Promise<FederationStatus> {
    this.#assertOpen();
    const { federation } = this.#workloads;
    await federation.poll(request);
    // The bundle is on its way to the workloads already; this waits until they have it.
    await this.#workloads.publishBundle();
    const { trustDomain } = request;
    this.#settings.log({ event: 'federated', with: trustDomain, endpoint: request.endpointUrl });
    return federation.status().find((each) => each.trustDomain === trustDomain) ?? { trustDomain };
  }

  async federateWith(other: FollowedTrustDomain): Promise<void> {
    this.#assertOpen();
    // Not through the queue: two trust domains that follow each other and rotate at once would wait for each other.
    await this.#workloads.federation.follow(other, () => this.#workloads.publishBundle());
    this.#settings.log({ event: 'federated', with: other.trustDomain });
  }

  async unfederate(trustDomain: string): Promise<void> {
    this.#assertOpen();
    this.#workloads.federation.delete(trustDomain);
    await this.#workloads.publishBundle();
    this.#settings.log({ event: 'unfederated', with: trustDomain });
  }

  async injectFault(fault: Fault): Promise<void> {
    this.#assertOpen();
    const parsed = parseFault(fault);
    // A slip in the name would be a fault that never happens, and a test that passes for nothing.
    if (parsed.workload !== undefined) this.#workloads.socketOf(parsed.workload);
    this.#workloads.faults.inject(parsed);
  }

  async clearFaults(): Promise<void> {
    this.#workloads.faults.clear();
  }

  async closeStreams(options: CloseStreamsOptions = {}): Promise<number> {
    this.#assertOpen();
    const { code = 'UNAVAILABLE', details = 'closed on command', ...filter } = options;
    if (filter.workload !== undefined) this.#workloads.socketOf(filter.workload);
    return this.#workloads.calls.end(filter, status[code], details);
  }

  async calls(filter: CallFilter = {}): Promise<readonly CallRecord[]> {
    return this.#workloads.calls.list(filter);
  }

  whenOldRootsDropped(): Promise<void> {
    return this.#caRotation.whenDropped();
  }

  whenOldJwtKeysDropped(): Promise<void> {
    return this.#jwtRotation.whenDropped();
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shutDown(): Promise<void> {
    this.#caRotation.stop();
    this.#jwtRotation.stop();
    this.#workloads.federation.close();
    await Promise.all([this.#control?.close(), this.#endpoints.close()]);
    // Behind whatever is being issued, so that no step meets a half closed trust domain.
    await this.#queue(() => this.#workloads.close());
  }

  /** To the own workloads, and to the trust domains that follow this one. */
  async #publishBundle(): Promise<void> {
    await Promise.all([this.#workloads.publishBundle(), this.#workloads.federation.publish()]);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new DevTrustDomainError('CLOSED', 'development trust domain: closed');
  }

  /** Fills in what a request leaves out: from what the workload was before, else by the naming rule of the namespace. */
  #complete(request: RegistrationRequest): RegistrationRequest {
    const name = parseName(request.name);
    const remembered = this.#workloads.remembered(name);
    if (request.spiffeId === undefined && remembered !== undefined) return { ...remembered, ...request };
    const { namespace, trustDomain } = this.#settings;
    if (namespace === undefined) {
      if (request.spiffeId !== undefined) return request;
      throw new DevTrustDomainError('REGISTRATION', `registration: ${quote(name)} is new, so it needs a spiffeId`);
    }
    return {
      spiffeId: `${trustDomain.id}/ns/${namespace}/sa/${name}`,
      dnsNames: [`${name}.${namespace}.${trustDomain.name}`],
      ...request,
    };
  }
}

function toAuthorityStatus({ material, role }: PublishedAuthority<Uint8Array>): AuthorityStatus {
  const { serialNumber, validFrom, validTo } = new X509Certificate(material);
  return { serialNumber, role, notBefore: toIso(Date.parse(validFrom)), notAfter: toIso(Date.parse(validTo)) };
}

function toIso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
