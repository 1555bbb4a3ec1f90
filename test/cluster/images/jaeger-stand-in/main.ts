/** Starts the stand-in where Jaeger's configuration in packages/telemetry/collector has Jaeger listen. */
import { startStandIn } from './stand-in.ts';

const otlp = process.env['JAEGER_OTLP_GRPC'] ?? '127.0.0.1:4319';
const standIn = await startStandIn({ otlp, query: { host: '127.0.0.1', port: 16686 } });
console.log(`stand-in for Jaeger: OTLP on ${otlp}, query API on 127.0.0.1:16686`);
process.once('SIGTERM', () => standIn.close());
