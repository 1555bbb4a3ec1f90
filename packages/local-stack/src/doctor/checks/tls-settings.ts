/** Switches of the environment that loosen TLS for the whole process. */
import type { Check, EnvironmentFacts, Finding } from '../facts.ts';

/** SPIFFE connections do not follow most of them; HTTPS to OTLP, bundle endpoints and registries does. */
export const tlsSettings: Check = {
  name: 'tls-settings',
  holds: "the environment leaves TLS's own checks alone",
  run: ({ environments }) => environments.flatMap(examine),
};

function examine({ subject, env }: EnvironmentFacts): Finding[] {
  const options = env['NODE_OPTIONS'] ?? '';
  const found: (Finding | false)[] = [
    env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' && {
      status: 'fail',
      subject,
      evidence: 'NODE_TLS_REJECT_UNAUTHORIZED=0',
      fix: 'Unset it: plain HTTPS of this process accepts any certificate. For a private CA use NODE_EXTRA_CA_CERTS.',
    },
    /--tls-min-v1\.[012]\b/.test(options) && {
      status: 'warn',
      subject,
      evidence: 'NODE_OPTIONS lowers the least version of TLS',
      fix: 'Take --tls-min-v1.x out of NODE_OPTIONS; SPIFFE connections stay at TLS 1.3.',
    },
    /--openssl-legacy-provider\b/.test(options) && {
      status: 'warn',
      subject,
      evidence: 'NODE_OPTIONS has --openssl-legacy-provider',
      fix: 'Take it out: it brings back algorithms that were removed for good reason.',
    },
    Boolean(env['OPENSSL_CONF']) && {
      status: 'warn',
      subject,
      evidence: 'OPENSSL_CONF points OpenSSL to a configuration of its own',
      fix: 'Make sure that it changes no providers, protocol versions or curves, or unset it.',
    },
    Boolean(env['NODE_EXTRA_CA_CERTS']) && {
      status: 'warn',
      subject,
      evidence: 'NODE_EXTRA_CA_CERTS adds CAs for plain HTTPS',
      fix: 'Fine if it is meant for OTLP or a bundle endpoint. SPIFFE peers are never verified with it.',
    },
  ];
  return found.filter((finding) => finding !== false);
}
