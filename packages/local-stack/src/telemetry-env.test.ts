import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routeTelemetry } from './telemetry-env.ts';

const console = 'http://127.0.0.1:4318';

describe('telemetry while a console runs', () => {
  it('goes to the console, soon', () => {
    const route = routeTelemetry({}, console);
    assert.ok('services' in route);
    assert.equal(route.services['OTEL_EXPORTER_OTLP_ENDPOINT'], console);
    assert.equal(route.services['OTEL_METRIC_EXPORT_INTERVAL'], '2000');
    assert.equal(route.services['DECISION_LOG'], 'log,otlp');
    assert.deepEqual(route.console, {});
  });

  it("goes on from there to the user's Collector, whose headers no service gets", () => {
    const user = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret' };
    const route = routeTelemetry(user, console);
    assert.ok('services' in route);
    assert.equal(route.services['OTEL_EXPORTER_OTLP_ENDPOINT'], console);
    assert.equal(route.services['OTEL_EXPORTER_OTLP_HEADERS'], '');
    assert.deepEqual(route.console, {
      OTLP_FORWARD_ENDPOINT: 'http://collector:4318',
      OTLP_FORWARD_HEADERS: 'api-key=secret',
    });
  });

  it("keeps the user's own pace", () => {
    const route = routeTelemetry({ OTEL_METRIC_EXPORT_INTERVAL: '60000' }, console);
    assert.ok('services' in route);
    assert.equal(route.services['OTEL_METRIC_EXPORT_INTERVAL'], undefined);
    assert.equal(route.services['OTEL_METRIC_EXPORT_TIMEOUT'], undefined);
    assert.equal(route.services['OTEL_BSP_SCHEDULE_DELAY'], '250');
  });

  for (const [name, value] of [
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_TRACES_EXPORTER', 'console'],
    ['OTEL_LOGS_EXPORTER', 'none'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://collector:4318/v1/traces'],
    ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/etc/collector.pem'],
  ] as const) {
    it(`is left as the user has it with ${name}=${value}`, () => {
      assert.deepEqual(routeTelemetry({ [name]: value }, console), { left: name });
    });
  }

  for (const [name, value] of [
    ['OTEL_SDK_DISABLED', 'false'],
    ['OTEL_TRACES_EXPORTER', 'otlp'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf'],
    ['OTEL_EXPORTER_OTLP_CERTIFICATE', ''],
    ['OTEL_RESOURCE_ATTRIBUTES', 'team=shop'],
  ] as const) {
    it(`goes to the console with ${name}=${value}`, () => {
      assert.ok('services' in routeTelemetry({ [name]: value }, console));
    });
  }
});
