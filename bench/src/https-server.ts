/**
 * The HTTPS servers that are compared: one Express application behind Node's own TLS, and behind ours, layer by layer.
 */
import { constants } from 'node:crypto';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { createHttpGuard } from '@countersign/authz';
import { partyOf, selfOf } from '@countersign/service-kit';
import { createSpiffeHttpsServer } from '@countersign/spiffe-tls';
import { createHttpCallLog } from '@countersign/telemetry';
import express, { type Express, type RequestHandler } from 'express';
import type { Credentials } from './credentials.ts';
import { greetingFor } from './greeting.ts';
import type { OurServer } from './our-server.ts';

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
export function createOurHttpsServer(
  credentials: Credentials,
  { source, authorize, guard, logger }: OurServer,
): Server {
  const handlers: RequestHandler[] = [];
  if (logger !== undefined)
    handlers.push(createHttpCallLog({ logger, transport: 'https', self: () => selfOf(source), peerOf: partyOf }));
  if (guard !== undefined) handlers.push(createHttpGuard(guard)('GET /hello'));
  return createSpiffeHttpsServer({ source, authorize }, createApplication(credentials, handlers));
}

function createApplication({ peerId }: Credentials, before: readonly RequestHandler[]): Express {
  const application = express();
  application.disable('x-powered-by');
  application.get('/hello', ...before, (_request, response) => {
    response.json({ message: greetingFor(peerId) });
  });
  return application;
}
