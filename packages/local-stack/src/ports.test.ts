import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { assertPortsFree, defaultPorts, freePorts, portsFromEnv, portVariable, usedPorts } from './ports.ts';

describe('ports', () => {
  it('each can be set by its variable', () => {
    const ports = portsFromEnv({
      COUNTERSIGN_DB_CLIENT_GRPC_PORT: '1234',
      COUNTERSIGN_POSTGRES_PORT: '0',
      COUNTERSIGN_BACKEND_HTTPS_PORT: '',
    });
    assert.deepEqual(ports, { ...defaultPorts, dbClientGrpc: 1234, postgres: 0 });
  });

  for (const text of ['-1', '65536', '80.5', '0x50', ' 80', 'eighty', '999999999999']) {
    it(`refused: ${JSON.stringify(text)}, with the variable's name`, () => {
      assert.throws(() => portsFromEnv({ COUNTERSIGN_CUSTOMER_HTTP_PORT: text }), {
        code: 'SETTING_INVALID',
        message: /^COUNTERSIGN_CUSTOMER_HTTP_PORT: /,
      });
    });
  }

  it('a taken port is named, with the variable that changes it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await assert.rejects(assertPortsFree(usedPorts({ ...freePorts, backendGrpc: port }, true)), (error: Error) => {
        assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} .*taken.*${portVariable('backendGrpc')}`));
        return true;
      });
    } finally {
      server.close();
    }
  });

  it('two listeners on one port are refused before anything is bound', async () => {
    await assert.rejects(assertPortsFree(usedPorts({ ...freePorts, customerHttp: 1024, backendHttps: 1024 }, true)), {
      code: 'PORT_TAKEN',
      message: /COUNTERSIGN_BACKEND_HTTPS_PORT and COUNTERSIGN_CUSTOMER_HTTP_PORT/,
    });
  });

  it('any free port is no conflict', async () => {
    await assertPortsFree(usedPorts(freePorts, true));
  });

  it("a console's port counts where there is a console, and the message says how to do without", async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const consoleOtlp = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await assertPortsFree(usedPorts({ ...freePorts, consoleOtlp }, false));
      await assert.rejects(assertPortsFree(usedPorts({ ...freePorts, consoleOtlp }, true)), {
        code: 'PORT_TAKEN',
        message: /COUNTERSIGN_CONSOLE_OTLP_PORT .*COUNTERSIGN_CONSOLE=off/,
      });
    } finally {
      server.close();
    }
  });
});
