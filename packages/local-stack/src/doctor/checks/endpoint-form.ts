/** The Workload API's address is one that SPIFFE allows. */
import { parseWorkloadEndpoint, SpiffeTlsError } from '@countersign/spiffe-tls';
import type { Check, EndpointFacts, Finding } from '../facts.ts';

/** Workload Endpoint, section 4; and the system's limit on a socket's path. */
export const endpointForm: Check = {
  name: 'endpoint-form',
  holds: "the Workload API's address can be used",
  run: ({ endpoints }) => endpoints.flatMap(examine),
};

function examine({ subject, address }: EndpointFacts): Finding[] {
  if (address === '') {
    const fix = 'Set it to the address of the agent: unix:///run/spire/sockets/agent.sock, or what `npm start` prints.';
    return [{ status: 'fail', subject, evidence: 'SPIFFE_ENDPOINT_SOCKET is not set', fix }];
  }
  try {
    parseWorkloadEndpoint(address);
    return [];
  } catch (error) {
    const rule = error instanceof SpiffeTlsError ? (error.expected ?? error.message) : String(error);
    return [
      {
        status: 'fail',
        subject,
        evidence: `${JSON.stringify(address.slice(0, 200))}: ${rule}`,
        fix: fixOf(address, rule),
      },
    ];
  }
}

function fixOf(address: string, rule: string): string {
  if (/at most \d+ bytes/.test(rule))
    return 'Use a shorter path: the system cuts or refuses longer ones. A link in /tmp or /run helps.';
  if (address.startsWith('tcp:')) return 'Write tcp://127.0.0.1:8081: an IP address and a port, no name and no path.';
  if (address.startsWith('/')) return `Write unix://${address}`;
  if (/^unix:\/*[^/]/.test(address)) return 'Write unix:///absolute/path: three slashes, the third begins the path.';
  return 'Write unix:///absolute/path or tcp://127.0.0.1:port.';
}
