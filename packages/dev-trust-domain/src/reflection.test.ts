/**
 * Reflection on the wire, with messages written by hand: what a tool such as grpcurl asks, and gets.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { startTemporary } from '../test/temporary.ts';
import { connect, header } from '../test/workload-client.ts';

/** Numbers of the fields of ServerReflectionRequest and of its answers. */
const REQUEST = { fileByFilename: 3, fileContainingSymbol: 4, listServices: 7 } as const;
const RESPONSE = { originalRequest: 2, files: 4, services: 6, error: 7 } as const;

/** Fields of a message that are bytes or numbers, by number. */
function fieldsOf(bytes: Uint8Array): Map<number, (Uint8Array | number)[]> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    fields.set(field, [...(fields.get(field) ?? []), wireType === 0 ? reader.int32() : reader.bytes()]);
  }
  return fields;
}

function inside(bytes: Uint8Array, ...path: number[]): Uint8Array[] {
  return path.reduce<Uint8Array[]>(
    (messages, field) =>
      messages.flatMap((message) => (fieldsOf(message).get(field) ?? []).filter((value) => typeof value !== 'number')),
    [bytes],
  );
}

interface Asked {
  readonly version?: string;
  readonly metadata?: Metadata;
}

async function ask(
  context: TestContext,
  field: keyof typeof REQUEST,
  value: string,
  { version = 'v1', metadata = header('true') }: Asked = {},
): Promise<Uint8Array> {
  const client = connect(context, await startTemporary(context), 'web');
  const stream = client.makeBidiStreamRequest(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => new Uint8Array(bytes),
    metadata,
  );
  return new Promise((resolve, reject) => {
    stream.once('data', resolve).once('error', reject);
    stream.write(new BinaryWriter().tag(REQUEST[field], 2).string(value).finish());
    stream.end();
  });
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

for (const version of ['v1', 'v1alpha']) {
  test(`D13 ${version} lists the Workload API under the name that it has on the wire`, async (context) => {
    const answer = await ask(context, 'listServices', '*', { version });
    assert.deepEqual(inside(answer, RESPONSE.services, 1, 1).map(text), ['SpiffeWorkloadAPI']);
  });
}

for (const symbol of ['SpiffeWorkloadAPI', 'SpiffeWorkloadAPI.ValidateJWTSVID', 'X509SVIDResponse']) {
  test(`D7 D13 the files that ${symbol} needs come with it, and describe both profiles without a package`, async (context) => {
    const answer = await ask(context, 'fileContainingSymbol', symbol);
    assert.deepEqual(inside(answer, RESPONSE.originalRequest, REQUEST.fileContainingSymbol).map(text), [symbol]);
    // A set holds what is imported before what imports it; an answer has it the other way round.
    const files = inside(answer, RESPONSE.files, 1)
      .map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
      .reverse();
    const registry = createFileRegistry({ ...fromBinary(FileDescriptorSetSchema, new Uint8Array()), file: files });
    const service = registry.getService('SpiffeWorkloadAPI');
    assert.deepEqual(
      service?.methods.map(({ name }) => name).filter((name) => !name.includes('WIT')),
      ['FetchX509SVID', 'FetchX509Bundles', 'FetchJWTSVID', 'FetchJWTBundles', 'ValidateJWTSVID'],
    );
    assert.equal(registry.getMessage('X509SVID')?.fields.length, 5);
  });
}

test('D13 a file is found by its name, a well-known type by its own', async (context) => {
  for (const [field, value] of [
    ['fileByFilename', 'workload.proto'],
    ['fileContainingSymbol', 'google.protobuf.Struct'],
  ] as const)
    assert.ok(inside(await ask(context, field, value), RESPONSE.files, 1).length > 0, value);
});

test('D13 what is not there is NOT_FOUND', async (context) => {
  for (const [field, value] of [
    ['fileByFilename', 'control.proto'],
    ['fileContainingSymbol', 'Nothing'],
    ['fileContainingSymbol', ''],
  ] as const) {
    const [error = new Uint8Array()] = inside(await ask(context, field, value), RESPONSE.error);
    assert.deepEqual(fieldsOf(error).get(1), [status.NOT_FOUND], value);
  }
});

test('D2 D13 reflection needs the security header too', async (context) => {
  await assert.rejects(
    ask(context, 'listServices', '*', { metadata: new Metadata() }),
    ({ code }: ServiceError) => code === status.INVALID_ARGUMENT,
  );
});
