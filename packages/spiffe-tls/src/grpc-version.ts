/**
 * Which grpc-js this library was made for. It relies on `SecureConnector`, whose methods begin with an underscore and may
 * change in a minor release, so it says so at once instead of failing in a handshake.
 */
import { createRequire } from 'node:module';
import { ChannelCredentials, Server } from '@grpc/grpc-js';

const SUPPORTED = /^1\.(?:14|15)\./;
/** Read at the first use: a process makes many channels, and the manifest stays. */
let installed: string | undefined;

/**
 * Checks the installed grpc-js, once.
 * @throws {TypeError} when it is outside the range, or lacks what is used.
 */
export function assertGrpcVersion(version = installed ?? readInstalledVersion()): void {
  if (version !== undefined && !SUPPORTED.test(version)) {
    throw new TypeError(`spiffe-tls: @grpc/grpc-js must be >=1.14 <1.16, got ${version}`);
  }
  const lacking =
    missing(Server.prototype, 'createConnectionInjector') ?? missing(ChannelCredentials.prototype, 'compose');
  if (lacking !== undefined) throw new TypeError(`spiffe-tls: @grpc/grpc-js must have ${lacking}`);
}

function missing(prototype: object, method: string): string | undefined {
  return typeof Reflect.get(prototype, method) === 'function' ? undefined : method;
}

/** `undefined` where the manifest can't be found, as in a bundled program; only the features are checked then. */
function readInstalledVersion(): string | undefined {
  try {
    const manifest: unknown = createRequire(import.meta.url)('@grpc/grpc-js/package.json');
    if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) return undefined;
    installed = String(manifest.version);
    return installed;
  } catch {
    return undefined;
  }
}
