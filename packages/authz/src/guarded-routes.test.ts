/** A route that was left without a guard must not start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import express, { type Express } from 'express';
import { SELF } from '../test/bundles.ts';
import { engineOver, policy } from '../test/engines.ts';
import { assertGuardedRoutes } from './guarded-routes.ts';
import { createHttpGuard } from './http-guard.ts';

test('guarded routes: a route without a guard, or with it in the second place, fails the start', () => {
  const guard = createHttpGuard({ engine: engineOver(policy), self: () => SpiffeId.parse(SELF) });
  const handler = (_request: unknown, response: express.Response) => void response.end();
  const declare: [message: RegExp, declaration: (app: Express) => void][] = [
    [/GET \/a must have a guard first/, (app) => app.get('/a', handler)],
    [/POST \/a must have a guard first/, (app) => app.post('/a', handler, guard('POST /a'))],
    [/[A-Z-]+ \/a must have a guard first/, (app) => app.all('/a', handler)],
    [/POST \/a must have a guard first/, (app) => app.route('/a').get(guard('GET /a'), handler).post(handler)],
    [/GET \/b must have a guard first/, (app) => app.use('/a', express.Router().get('/b', handler))],
  ];
  for (const [message, declaration] of declare) {
    const app = express();
    app.use(guard.wellFormed);
    declaration(app);
    app.use(guard.unmatched);
    assert.throws(
      () => assertGuardedRoutes(app),
      (error: unknown) => error instanceof TypeError && message.test(error.message),
    );
  }
  const late = express();
  late.get('/a', guard('GET /a'), handler);
  late.use(guard.wellFormed);
  late.use(guard.unmatched);
  assert.throws(() => assertGuardedRoutes(late), /guard\.wellFormed must stand before/);
  const open = express();
  open.use(guard.wellFormed);
  open.get('/a', guard('GET /a'), handler);
  assert.throws(() => assertGuardedRoutes(open), /last handler/);
  assert.throws(() => assertGuardedRoutes({}), /Express 5/);
});
