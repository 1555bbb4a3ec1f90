/**
 * Stands between the wire and the Workload API: notes each call, and lets faults happen to it. It knows nothing of what
 * the calls are for.
 */
import type { Clock } from '@countersign/spiffe-tls';
import { ServerInterceptingCall, type ServerInterceptor, type ServiceDefinition, status } from '@grpc/grpc-js';
import type { Calls, OpenCall } from './calls.ts';
import { type Faults, methodOf } from './faults.ts';

/** What the interceptor of one workload's server needs. */
export interface CallInterceptorOptions {
  readonly workload: string;
  readonly faults: Faults;
  readonly calls: Calls;
  readonly clock: Clock;
}

/** A message that goes out as it stands. */
class RawMessage {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** The interceptor; it has to be the first one, so that it sees calls that another one refuses. */
export function createCallInterceptor({ workload, faults, calls, clock }: CallInterceptorOptions): ServerInterceptor {
  return ({ path }, call) => {
    const method = methodOf(path);
    let noted: OpenCall | undefined;
    let cancelDelay = () => {};
    const end = (code: status, details: string) => {
      cancelDelay();
      noted?.ended(code);
      call.sendStatus({ code, details });
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, pass) {
            noted = calls.begin({ workload, method, metadata, atMs: clock.now() }, end);
            const { delayMs, status: fault } = faults.takeForCall(workload, method);
            const proceed = () => (fault === undefined ? pass(metadata) : end(fault.code, fault.details));
            if (delayMs === 0) proceed();
            else cancelDelay = clock.schedule(delayMs, proceed);
          },
          onCancel() {
            cancelDelay();
            noted?.ended(status.CANCELLED);
          },
        });
      },
      sendMessage(message, next) {
        const bytes = faults.takeForMessage(workload, method);
        next(bytes === undefined ? message : new RawMessage(bytes));
      },
      sendStatus(sent, next) {
        noted?.ended(sent.code ?? status.UNKNOWN);
        next(sent);
      },
    });
  };
}

/** The same service, but able to send what {@link createCallInterceptor} puts in the place of a message. */
export function withRawMessages<Service extends ServiceDefinition>(service: Service): Service {
  const methods = Object.entries(service).map(([name, definition]) => {
    const { responseSerialize } = definition;
    const serialize = (value: unknown) =>
      value instanceof RawMessage ? Buffer.from(value.bytes) : responseSerialize(value);
    return [name, { ...definition, responseSerialize: serialize }];
  });
  // Every entry is there again under its name, with its type.
  return Object.fromEntries(methods) as Service;
}
