/** Proxies of the environment: mTLS can't pass one that ends TLS, and gRPC clients take them without being told. */
import type { Check } from '../facts.ts';

const NAMES = ['http_proxy', 'https_proxy', 'grpc_proxy', 'all_proxy'];

/** Shows names, no values: an address of a proxy may hold a password. */
export const proxies: Check = {
  name: 'proxies',
  holds: 'no proxy stands in the environment',
  run: ({ environments }) =>
    environments.flatMap(({ subject, env }) => {
      const set = NAMES.flatMap((name) => [name, name.toUpperCase()]).filter((name) => env[name]);
      if (set.length === 0) return [];
      const fix = 'Unset it for the services, or list their addresses in NO_PROXY: mTLS must reach the service itself.';
      return [{ status: 'warn', subject, evidence: `${set.join(', ')} set`, fix }];
    }),
};
