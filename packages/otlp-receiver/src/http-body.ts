/** Reads a request's body within a bound, before and after decompression. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { HttpRefusalError } from './http-refusal.ts';

const decompress = promisify(gunzip);

/** A body, as it came and as it is to be read. */
export interface Body {
  readonly raw: Buffer;
  readonly bytes: Buffer;
}

/**
 * @param maxBytes of the body, compressed and not
 * @throws {HttpRefusalError} 413 beyond the bound, 400 for what is no gzip
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  const raw = await readRaw(request, maxBytes);
  return { raw, bytes: request.headers['content-encoding'] === 'gzip' ? await unzip(raw, maxBytes) : raw };
}

async function readRaw(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

async function unzip(raw: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await decompress(raw, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(maxBytes);
    throw new HttpRefusalError({ status: 400, message: 'body: must be gzip, as content-encoding says' });
  }
}

function tooLarge(maxBytes: number): HttpRefusalError {
  return new HttpRefusalError({ status: 413, message: `body: must be at most ${maxBytes} bytes, decompressed too` });
}
