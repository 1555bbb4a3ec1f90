/** The page and its two files, read once. No script or style stands in the document, so the policy allows none there. */
import { readFileSync } from 'node:fs';
import type { NextFunction, Request, Response } from 'express';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

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

/** Headers of every answer, JSON included: an answer shown as a page must be as harmless as the page. */
export function securityHeaders(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  next();
}
