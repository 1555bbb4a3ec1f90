/**
 * The HTTPS servers that are compared: one Express application behind Node's own TLS, and behind ours with the guard.
 */
import { constants } from 'node:crypto';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { createHttpGuard, createSpiffeAuthorizer } from '@countersign/authz';
import { createSpiffeHttpsServer } from '@countersign/spiffe-tls';
import express, { type Express, type RequestHandler } from 'express';
import { type Credentials, createSource } from './credentials.ts';
import { greetingFor } from './greeting.ts';
import type { TimedPolicy } from './policy.ts';

/** Node's own TLS doing the same work: TLS 1.3, both ends verified by OpenSSL. No tickets, unless resumption is asked for. */
export function createBareHttpsServer(credentials: Credentials, resumption: boolean): Server {
  const options: ServerOptions = {
    cert: credentials.certificatePem,
    key: credentials.privateKeyPem,
    ca: credentials.bundlePem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    keepAliveTimeout: 30_000,
    ...(resumption ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }),
  };
  return createServer(options, createApplication(credentials, []));
}

/** Ours: the adapter and, unless it is measured alone, a decision on each request. */
export function createCountersignHttpsServer(
  credentials: Credentials,
  { engine }: TimedPolicy,
  guarded: boolean,
): Server {
  const self = (): string => credentials.spiffeId;
  const guard = createHttpGuard({ engine, self });
  const authorize = createSpiffeAuthorizer(engine, self);
  const application = createApplication(credentials, guarded ? [guard('GET /hello')] : []);
  return createSpiffeHttpsServer({ source: createSource(credentials), authorize }, application);
}

function createApplication({ peerId }: Credentials, guards: readonly RequestHandler[]): Express {
  const application = express();
  application.disable('x-powered-by');
  application.get('/hello', ...guards, (_request, response) => {
    response.json({ message: greetingFor(peerId) });
  });
  return application;
}
