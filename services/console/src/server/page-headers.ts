/**
 * Headers of every answer of the console. The page loads its own files and nothing else, from nowhere else; text becomes
 * script or markup nowhere: the one Trusted Types policy it may have only makes the empty string.
 */
import { createSecurityHeaders } from '@countersign/service-kit';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "font-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types default',
];

/** Powerful features that the page has no use for. */
const UNUSED_FEATURES = ['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'usb'];

/** Sets them. */
export const setPageHeaders = createSecurityHeaders(CONTENT_SECURITY_POLICY, {
  'cross-origin-embedder-policy': 'require-corp',
  'permissions-policy': UNUSED_FEATURES.map((feature) => `${feature}=()`).join(', '),
});
