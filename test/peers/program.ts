/**
 * Programs of the ecosystem that are used as they come: which one it is, a run to its end, and the identity files that it is
 * given.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fetchX509Context, TrustDomain } from '@countersign/spiffe-tls';
import { type PeerProgram, peerProgram } from './interop.ts';
import { type PeerCommand, type PeerProcess, startPeer } from './peer-process.ts';

/** A program as it is called and as it is named in the table. */
export interface FoundProgram {
  readonly program: PeerProgram;
  readonly command: string;
}

const TITLES: Readonly<Record<string, string>> = { openssl: 'OpenSSL', envoy: 'Envoy' };

/** @param version its first group is what the table shows; a distribution's package by major and minor alone */
export function findProgram(name: string, args: readonly string[], version: RegExp): FoundProgram {
  const command = peerProgram(name);
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  const found = version.exec(`${stdout}${stderr}`)?.[1];
  assert.ok(found, `${command} ${args.join(' ')} must tell its version, got ${stdout}${stderr}`);
  return { program: { name: TITLES[name] ?? name, version: found }, command };
}

/** What a program left behind. */
export interface Outcome {
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly text: string;
}

/** Runs a program to its end. @param input for its standard input, which ends after that; default: none */
export async function runProgram(t: TestContext, command: PeerCommand, input?: string): Promise<Outcome> {
  const peer = startPeer(t, { ...command, stdin: input !== undefined });
  if (input !== undefined) peer.send(input);
  peer.endInput();
  const code = await peer.ended;
  return { code, text: textOf(peer) };
}

/** What a program has printed so far. */
export function textOf({ lines }: Pick<PeerProcess, 'lines'>): string {
  return lines.map((line) => String(line['text'] ?? JSON.stringify(line))).join('\n');
}

/** Settles when a program has printed what `pattern` finds in one line. */
export async function printed(peer: PeerProcess, pattern: RegExp): Promise<string> {
  const line = await peer.line(({ text }) => typeof text === 'string' && pattern.test(text), `${pattern}`);
  return String(line['text']);
}

/** A directory that only this user may enter, gone when the test ends. */
export async function scratchDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-peer-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** PEM files of an identity, mode 0600. */
export interface IdentityFiles {
  readonly directory: string;
  /** The chain, leaf first. */
  readonly certificate: string;
  readonly key: string;
  /** CAs that peers are verified by: those of one trust domain. */
  readonly bundle: string;
}

/** The same, not yet in files. */
export interface IdentityPem {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly bundlePem: string;
}

/** Writes an identity into a directory of its own, or anew into one that has it. */
export async function writeIdentity(t: TestContext, pem: IdentityPem, into?: string): Promise<IdentityFiles> {
  const directory = into ?? (await scratchDirectory(t));
  const write = async (name: string, content: string) => {
    const path = join(directory, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  return {
    directory,
    certificate: await write('svid.pem', pem.certificatePem),
    key: await write('svid_key.pem', pem.keyPem),
    bundle: await write('bundle.pem', pem.bundlePem),
  };
}

/** What a Workload API hands out. @param trusted the trust domain whose CAs are the bundle; default: the own one */
export async function identityOf(endpoint: string, trusted?: string): Promise<IdentityPem> {
  const { svid, bundles } = await fetchX509Context({ endpoint });
  const bundle = bundles.get(trusted === undefined ? svid.id.trustDomain : TrustDomain.parse(trusted));
  assert.ok(bundle, `there is a bundle of ${trusted ?? svid.id.trustDomain}`);
  return { certificatePem: svid.certificatePem, keyPem: svid.privateKeyPem(), bundlePem: bundle.toPem() };
}

/** For programs that can't say which free port they took. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}
