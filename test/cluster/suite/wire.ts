/** Certificates as servers present them: what is on the wire, whatever a log says. */
import type { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { forward } from './forward.ts';

/** What a certificate says of its owner. */
export interface SeenCertificate {
  readonly spiffeId: string;
  readonly commonName: string;
  /** DNS names, in order. */
  readonly dnsNames: readonly string[];
  readonly serial: string;
}

/** Reads the certificate that a port of a pod presents. PostgreSQL's TLS begins at once by ALPN `postgresql`. */
export async function certificateOf(target: string, port: number, alpn: string): Promise<SeenCertificate> {
  await using forwarded = await forward(target, port);
  return await readCertificate(forwarded.port, alpn);
}

/** The same of a port on loopback. */
export function readCertificate(port: number, alpn: string): Promise<SeenCertificate> {
  return new Promise((resolve, reject) => {
    // Whoever it is: the certificate is only read, and nothing is sent. In TLS 1.3 it comes before ours is missed.
    const options = { host: '127.0.0.1', port, ALPNProtocols: [alpn], rejectUnauthorized: false };
    const socket = connect(options, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error(`port ${port} presents no certificate`));
      else resolve(describe(certificate));
    });
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no TLS on port ${port} within 10 s`)));
    socket.on('error', reject);
  });
}

function describe({ subject, subjectAltName = '', serialNumber }: X509Certificate): SeenCertificate {
  const names = subjectAltName.split(', ');
  const valuesOf = (kind: string) =>
    names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  return {
    spiffeId: valuesOf('URI:').join(),
    commonName: /^CN=(.*)$/m.exec(subject)?.[1] ?? '',
    dnsNames: valuesOf('DNS:'),
    serial: serialNumber,
  };
}
