/**
 * The development CA: a self-signed root that issues X.509-SVIDs. What it puts into certificates follows X509-SVID
 * sections 2 to 4 and what SPIRE issues, so that software which works with one works with the other.
 */
import { randomBytes, webcrypto } from 'node:crypto';
// tsyringe, which @peculiar/x509 is built on, needs it loaded first.
import 'reflect-metadata';
import type { TrustDomain } from '@countersign/spiffe-tls';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { AuthorityKind, AuthorityStore } from './authorities.ts';

/** Keys that SVIDs may have. The CA's own is always P-256. */
export type KeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'ed25519';

/** All of {@link KeyType}. */
export const KEY_TYPES: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'];

/** What an SVID says. */
export interface SvidRequest {
  readonly spiffeId: string;
  /** The first becomes the common name; without any the subject is empty and the SAN critical. */
  readonly dnsNames: readonly string[];
  readonly keyType: KeyType;
  readonly notBeforeMs: number;
  /** Cut to the CA's own end. */
  readonly notAfterMs: number;
}

/** An SVID as the Workload API hands it out. */
export interface IssuedSvid {
  readonly certificateDer: Uint8Array;
  /** The leaf and the intermediates, DER; the root is not in it. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8. */
  readonly keyDer: Uint8Array;
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A CA that can sign. */
export interface CertificateAuthority {
  readonly certificateDer: Uint8Array;
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  issue(request: SvidRequest): Promise<IssuedSvid>;
  /** Makes a CA below this one, with as long a life; the SVIDs that it issues bring its certificate along. */
  issueIntermediate(): Promise<CertificateAuthority>;
  /** PKCS#8, for the store. */
  keyDer(): Promise<Uint8Array>;
}

const CA_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const RSA_2048 = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };

/** A root must be older than what it signs, also on a host whose clock is a little behind. */
const CA_BACKDATE_MS = 60_000;

/** How the roots of a trust domain are made and kept. */
export function createCaKind(options: {
  readonly trustDomain: TrustDomain;
  /** Life of a root. */
  readonly ttlMs: number;
  /** How many CAs stand between a root and its SVIDs. They are made anew when a stored root is taken up. */
  readonly intermediates: number;
  readonly store: AuthorityStore<CertificateAuthority, Uint8Array>;
}): AuthorityKind<CertificateAuthority, Uint8Array> {
  const { trustDomain, ttlMs, intermediates, store } = options;
  return {
    create: async (nowMs) => {
      const life = { notBeforeMs: nowMs - CA_BACKDATE_MS, notAfterMs: nowMs + ttlMs };
      return withIntermediates(await createCertificateAuthority({ trustDomain, ...life }), intermediates);
    },
    publicOf: ({ certificateDer }) => certificateDer,
    idOf: (certificateDer) => new X509Certificate(Buffer.from(certificateDer)).serialNumber.toUpperCase(),
    store: {
      async load(nowMs) {
        const stored = await store.load(nowMs);
        if (!('active' in stored)) return stored;
        return { ...stored, active: await withIntermediates(stored.active, intermediates) };
      },
      save: (active, others) => store.save(active, others),
    },
  };
}

/** The same root, but what it issues comes from the last of a line of CAs below it. */
async function withIntermediates(root: CertificateAuthority, count: number): Promise<CertificateAuthority> {
  let issuer = root;
  for (let depth = 0; depth < count; depth += 1) issuer = await issuer.issueIntermediate();
  return { ...root, issue: issuer.issue };
}

/** Makes a new root for a trust domain. */
export async function createCertificateAuthority(options: {
  readonly trustDomain: TrustDomain;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}): Promise<CertificateAuthority> {
  const { trustDomain, notBeforeMs, notAfterMs } = options;
  const keys = await generateKeyPair('ec-p256');
  const serialNumber = randomSerialNumber();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    keys,
    serialNumber,
    name: caName('Development CA', serialNumber, trustDomain.name),
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: CA_ALGORITHM,
    extensions: await caExtensions(keys.publicKey, trustDomain.id),
  });
  return createFromKey(certificate, keys.privateKey, []);
}

/** A name of its own for each CA: path builders look for issuers by name first. */
function caName(title: string, serialNumber: string, organization: string): JsonName {
  return [{ CN: [`${title} ${serialNumber.slice(0, 8)}`] }, { O: [organization.slice(0, 64)] }];
}

async function caExtensions(publicKey: webcrypto.CryptoKey, trustDomainId: string): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(true, undefined, true),
    // SPIFFE: a signing certificate signs and does nothing else; digitalSignature would let it pass for a workload.
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    new SubjectAlternativeNameExtension([{ type: 'url', value: trustDomainId }]),
    await SubjectKeyIdentifierExtension.create(publicKey),
  ];
}

/**
 * Takes up a root that was stored.
 * @throws when the bytes are not a certificate and its P-256 key.
 */
export async function restoreCertificateAuthority(
  certificateDer: Uint8Array,
  keyDer: Uint8Array,
): Promise<CertificateAuthority> {
  const key = await webcrypto.subtle.importKey('pkcs8', Buffer.from(keyDer), CA_ALGORITHM, true, ['sign']);
  return createFromKey(new X509Certificate(Buffer.from(certificateDer)), key, []);
}

/** @param chain what an SVID needs besides its leaf, the nearest issuer first; empty for a root */
function createFromKey(
  certificate: X509Certificate,
  key: webcrypto.CryptoKey,
  chain: readonly Uint8Array[],
): CertificateAuthority {
  return {
    certificateDer: new Uint8Array(certificate.rawData),
    serialNumber: certificate.serialNumber.toUpperCase(),
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
    issue: (request) => issueSvid({ certificate, key, chain }, request),
    issueIntermediate: () => issueIntermediate({ certificate, key, chain }),
    keyDer: async () => new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', key)),
  };
}

/** A CA's own parts. */
interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
  readonly chain: readonly Uint8Array[];
}

async function issueIntermediate({ certificate: issuer, key, chain }: Issuer): Promise<CertificateAuthority> {
  const keys = await generateKeyPair('ec-p256');
  const serialNumber = randomSerialNumber();
  const [organization = ''] = issuer.subjectName.getField('O');
  const [alternative] = issuer.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const certificate = await X509CertificateGenerator.create({
    publicKey: keys.publicKey,
    signingKey: key,
    signingAlgorithm: CA_ALGORITHM,
    issuer: issuer.subjectName,
    subject: caName('Development Intermediate', serialNumber, organization),
    serialNumber,
    notBefore: issuer.notBefore,
    notAfter: issuer.notAfter,
    extensions: [
      ...(await caExtensions(keys.publicKey, alternative?.value ?? '')),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return createFromKey(certificate, keys.privateKey, [new Uint8Array(certificate.rawData), ...chain]);
}

async function issueSvid({ certificate: issuer, key, chain }: Issuer, request: SvidRequest): Promise<IssuedSvid> {
  const keys = await generateKeyPair(request.keyType);
  const notBeforeMs = Math.max(request.notBeforeMs, issuer.notBefore.getTime());
  const notAfterMs = Math.min(request.notAfterMs, issuer.notAfter.getTime());
  const certificate = await X509CertificateGenerator.create({
    publicKey: keys.publicKey,
    signingKey: key,
    signingAlgorithm: CA_ALGORITHM,
    issuer: issuer.subjectName,
    subject: subjectOf(request),
    serialNumber: randomSerialNumber(),
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      subjectAlternativeName(request),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  const certificateDer = new Uint8Array(certificate.rawData);
  return {
    certificateDer,
    chain: [certificateDer, ...chain],
    keyDer: new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
    serialNumber: certificate.serialNumber.toUpperCase(),
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
  };
}

function subjectOf({ dnsNames }: SvidRequest): JsonName {
  const [commonName] = dnsNames;
  return commonName === undefined ? [] : [{ CN: [commonName] }];
}

/** SPIFFE: exactly one URI SAN, the SPIFFE ID. Critical where the subject is empty (RFC 5280, 4.2.1.6). */
function subjectAlternativeName({ spiffeId, dnsNames }: SvidRequest): SubjectAlternativeNameExtension {
  const names = [
    { type: 'url' as const, value: spiffeId },
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
  ];
  return new SubjectAlternativeNameExtension(names, dnsNames.length === 0);
}

/**
 * WebCrypto works on the thread pool, so issuing blocks nobody. A pool of ready keys was not worth its state: a P-256
 * pair takes some 0.2 ms, and nobody waits for an RSA one but its own SVID.
 */
async function generateKeyPair(keyType: KeyType): Promise<webcrypto.CryptoKeyPair> {
  const { subtle } = webcrypto;
  const usages = ['sign', 'verify'] as const;
  switch (keyType) {
    case 'ec-p256':
      return subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages);
    case 'ec-p384':
      return subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, usages);
    case 'rsa-2048':
      return subtle.generateKey({ ...RSA_2048, hash: 'SHA-256' }, true, usages);
    case 'ed25519':
      // Node's types have no parameters for this one: a name is all it takes.
      return subtle.generateKey({ name: 'Ed25519', namedCurve: 'Ed25519' }, true, usages);
  }
}

/** 126 random bits. The first byte lies between 0x40 and 0x7f: positive, and never shortened by DER. */
function randomSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
