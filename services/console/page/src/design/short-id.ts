/** Shortened forms of long names, for where the whole one would not fit. */

/** `spiffe://…/customer` for a SPIFFE ID; anything else as it is. */
export function shortId(id: string): string {
  const [, domain, path] = /^spiffe:\/\/([^/]*)(\/.*)?$/.exec(id) ?? [];
  if (domain === undefined) return id;
  return path === undefined ? id : `spiffe://…/${lastSegment(path)}`;
}

/** The last segment of a SPIFFE ID's path, which is what people call the workload; anything else as it is. */
export function lastSegment(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1) || id;
}

/** The first eight digits of a serial number or fingerprint. */
export function shortSerial(serial: string): string {
  return serial.length > 8 ? `${serial.slice(0, 8)}…` : serial;
}
