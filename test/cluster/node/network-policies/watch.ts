/**
 * Follows one collection of the API server: first all that is there, then every change. Ends with an error only; the server
 * ends a watch now and then, and a new one begins with everything again.
 */
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { createInterface } from 'node:readline';
import { type Fields, fields } from '../../fields.ts';

export type Objects = ReadonlyMap<string, Fields>;

/** Calls `onObjects` with the whole collection as soon as it is complete, and then after each change. */
export async function follow(
  server: RequestOptions,
  path: string,
  onObjects: (objects: Objects) => void,
): Promise<never> {
  for (;;) await followOnce(server, path, onObjects);
}

/** The bookmark says when the objects that were there before have all been sent. */
const QUERY = '?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
const COMPLETE = 'k8s.io/initial-events-end';

async function followOnce(server: RequestOptions, path: string, onObjects: (objects: Objects) => void): Promise<void> {
  const objects = new Map<string, Fields>();
  let isComplete = false;
  for await (const line of linesOf(server, path)) {
    const event = fields(JSON.parse(line), path);
    const object = fields(event['object'], path);
    const metadata = fields(object['metadata'] ?? {}, path);
    const name = `${metadata['namespace'] ?? ''}/${metadata['name'] ?? ''}`;
    switch (event['type']) {
      case 'ADDED':
      case 'MODIFIED':
        objects.set(name, object);
        break;
      case 'DELETED':
        objects.delete(name);
        break;
      case 'BOOKMARK':
        isComplete ||= COMPLETE in fields(metadata['annotations'] ?? {}, path);
        break;
      default:
        throw new Error(`${path}: the server sent ${line.slice(0, 300)}`);
    }
    if (isComplete) onObjects(objects);
  }
}

async function* linesOf(server: RequestOptions, path: string): AsyncGenerator<string> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request({ ...server, path: `${path}${QUERY}` }, resolve)
    .on('error', reject)
    .end();
  const response = await promise;
  const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    if (response.statusCode !== 200) throw new Error(`${path}: the server answered ${response.statusCode}: ${line}`);
    yield line;
  }
  if (response.statusCode !== 200) throw new Error(`${path}: the server answered ${response.statusCode}`);
}
