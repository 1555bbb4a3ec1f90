/** The page and its two files, read once. No script or style stands in the document, so the policy allows none there. */
import { readFileSync } from 'node:fs';
import { createSecurityHeaders } from '@countersign/service-kit';
import type { Request, Response } from 'express';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
];

const FILES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
];

/** What answers a GET of each path. */
export function pageRoutes(): Array<{ path: string; answer: (request: Request, response: Response) => void }> {
  return FILES.map(({ path, file, type }) => {
    const content = readFileSync(new URL(`./static/${file}`, import.meta.url));
    return {
      path,
      answer: (_request, response) => {
        response.setHeader('content-type', type);
        response.setHeader('cache-control', 'no-cache');
        response.end(content);
      },
    };
  });
}

/** Headers of every answer. */
export const securityHeaders = createSecurityHeaders(CONTENT_SECURITY_POLICY);
