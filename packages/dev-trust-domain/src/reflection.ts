/**
 * Server reflection, so that a client can ask which profiles are served (SPIFFE Workload Endpoint section 7).
 *
 * `@grpc/reflection` keeps names of a file without a package with a dot before them, and the Workload API has no package:
 * nobody would find `SpiffeWorkloadAPI`. So names are translated on their way in and out.
 */
import { readFileSync } from 'node:fs';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/** The parts of a reflection call that are used here, on both sides of the translation. */
interface ReflectionStream {
  on(event: string, listener: (message: ReflectionRequest) => void): unknown;
  write(message: ReflectionResponse): unknown;
  end(): unknown;
}

interface ReflectionRequest {
  readonly fileContainingSymbol?: string;
}

interface ReflectionResponse {
  readonly originalRequest?: ReflectionRequest;
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] } | null;
}

type ReflectionHandler = (stream: ReflectionStream) => void;

interface Reflection {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

let reflections: readonly Reflection[] | undefined;

/** Serves reflection, versions v1 and v1alpha. */
export function addReflection(server: Pick<Server, 'addService'>): void {
  // Parsed once: every workload has a server of its own, and all serve the same.
  reflections ??= createReflections();
  for (const { definition, implementation } of reflections) server.addService(definition, implementation);
}

function createReflections(): Reflection[] {
  const found: Reflection[] = [];
  const files = {
    format: 'Protocol Buffer 3 EnumDescriptorProto',
    type: {},
    fileDescriptorProtos: readFiles(),
  } as const;
  new ReflectionService({ SpiffeWorkloadAPI: files }).addToServer({
    addService: (definition, implementation) =>
      void found.push({ definition, implementation: translate(implementation) }),
  });
  return found;
}

/** The files of the committed descriptor set: `repeated FileDescriptorProto file = 1`. */
function readFiles(): Buffer[] {
  const reader = new BinaryReader(
    readFileSync(new URL(import.meta.resolve('@countersign/spiffe-tls/workload-api.binpb'))),
  );
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) files.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return files;
}

function translate({ ServerReflectionInfo: original }: UntypedServiceImplementation): UntypedServiceImplementation {
  // The package's types end where its handlers begin.
  const handler = original as unknown as ReflectionHandler;
  const translated: ReflectionHandler = (stream) => {
    handler({
      on: (event, listener) => stream.on(event, (message) => listener(event === 'data' ? toIndexed(message) : message)),
      write: (message) => stream.write(toWire(message)),
      end: () => stream.end(),
    });
  };
  return { ServerReflectionInfo: translated as unknown as UntypedServiceImplementation[string] };
}

/** Everything but the well-known types is of the file without a package. */
function toIndexed(request: ReflectionRequest): ReflectionRequest {
  const { fileContainingSymbol: symbol } = request;
  if (symbol === undefined || symbol === '' || symbol.startsWith('google.protobuf.')) return request;
  return { ...request, fileContainingSymbol: `.${symbol}` };
}

function toWire(response: ReflectionResponse): ReflectionResponse {
  const { listServicesResponse: list, originalRequest } = response;
  const symbol = originalRequest?.fileContainingSymbol;
  return {
    ...response,
    ...(symbol?.startsWith('.')
      ? { originalRequest: { ...originalRequest, fileContainingSymbol: symbol.slice(1) } }
      : {}),
    ...(list
      ? { listServicesResponse: { service: list.service.map(({ name }) => ({ name: name.replace(/^\./, '') })) } }
      : {}),
  };
}
