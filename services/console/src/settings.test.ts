import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '@countersign/service-kit';
import { consoleSettings } from './settings.ts';

const load = (env: Record<string, string>) => loadConfig(consoleSettings, { env, args: [] });

describe('settings', () => {
  it('of none: watches only, on loopback', () => {
    const config = load({});
    assert.deepEqual(config.consoleAddress, { host: '127.0.0.1', port: 8090 });
    assert.deepEqual(config.otlpAddress, { host: '127.0.0.1', port: 4318 });
    assert.deepEqual(
      [config.page, config.controlSocket, config.customerUrl, config.traceUrl, config.forwardEndpoint],
      [undefined, undefined, undefined, undefined, undefined],
    );
    assert.equal(config.forwardHeaders.size, 0);
  });

  it("of a Collector: headers as OpenTelemetry's variable has them", () => {
    const config = load({
      OTLP_FORWARD_ENDPOINT: 'https://collector.example:4318/base',
      OTLP_FORWARD_HEADERS: 'api-key=a%20b, X-Tenant = shop',
    });
    assert.equal(config.forwardEndpoint?.href, 'https://collector.example:4318/base');
    assert.deepEqual(
      [...config.forwardHeaders],
      [
        ['api-key', 'a b'],
        ['x-tenant', 'shop'],
      ],
    );
  });

  for (const [name, value] of [
    ['CONSOLE_ADDRESS', '8090'],
    ['OTLP_ADDRESS', '127.0.0.1:x'],
    ['ALLOWED_HOSTS', 'http://x'],
    ['CUSTOMER_URL', 'https://127.0.0.1:8080'],
    ['CUSTOMER_URL', 'http://127.0.0.1:8080/api'],
    ['CUSTOMER_URL', 'http://user@127.0.0.1:8080'],
    ['TRACE_URL', 'http://127.0.0.1:16686/trace/'],
    ['TRACE_URL', 'javascript:alert({traceId})'],
    ['OTLP_FORWARD_ENDPOINT', 'collector:4317'],
    ['OTLP_FORWARD_ENDPOINT', 'http://collector:4318/?x=1'],
  ] as const) {
    it(`refused: ${name}=${value}`, () => {
      assert.throws(
        () => load({ [name]: value }),
        (error: Error) => error.message.includes(name),
      );
    });
  }

  for (const value of ['secret', 'a=b,secret', 'a b=secret', 'a=sec\nret', 'a=secret%zz']) {
    it(`headers refused without a word of ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => load({ OTLP_FORWARD_HEADERS: value }),
        (error: Error) => error.message.includes('OTLP_FORWARD_HEADERS') && !error.message.includes('secret'),
      );
    });
  }
});
