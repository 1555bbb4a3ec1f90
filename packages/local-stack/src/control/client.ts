/**
 * The client of the stack's control socket: the same operations as in the process that runs the system.
 */
import { request } from 'node:http';
import { LocalStackError, type LocalStackErrorCode, messageOf } from '../errors.ts';
import { type Answer, type Arguments, type OperationName, operations } from './operations.ts';
import { exactly, object, refuse, text } from './readers.ts';
import type { StackControl } from './stack-control.ts';

const maxAnswerBytes = 16 * 1024 * 1024;

/**
 * Talks to a running system. Each call is a connection of its own, so there is nothing to close, and the system may begin
 * to listen later.
 * @returns a control whose calls fail with the system's own {@link LocalStackError}, with `NOT_RUNNING` when nothing answers,
 * or with `CONTROL_REQUEST` when the answer is not what it has to be
 */
export function createStackControlClient(path: string): StackControl {
  const call =
    <Name extends OperationName>(name: Name) =>
    async (...args: Arguments<Name>): Promise<Answer<Name>> => {
      const { route, timeoutMs, toBody, answer } = operations[name];
      const [method = '', at = ''] = route.split(' ');
      const body = method === 'GET' ? '' : JSON.stringify(toBody(...args));
      return answer(await send(path, { method, path: at, body, timeoutMs }), 'answer');
    };
  return {
    describe: call('describe'),
    rotate: call('rotate'),
    rotateCa: call('rotateCa'),
    withdraw: call('withdraw'),
    give: call('give'),
    federate: call('federate'),
    unfederate: call('unfederate'),
    partnerCall: call('partnerCall'),
    certificate: call('certificate'),
    policy: call('policy'),
    checkPolicy: call('checkPolicy'),
    applyPolicy: call('applyPolicy'),
    undoPolicy: call('undoPolicy'),
    attacks: call('attacks'),
    attack: call('attack'),
  };
}

interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly timeoutMs: number;
}

function send(socketPath: string, { method, path, body, timeoutMs }: Outgoing): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => reject(notRunning(socketPath, cause));
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ socketPath, method, path, agent: false, headers, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes) outgoing.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', failed);
      response.on('end', () => {
        try {
          resolve(readAnswer(response.statusCode, Buffer.concat(chunks).toString('utf8')));
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.on('timeout', () => {
      reject(new LocalStackError('CONTROL_TIMEOUT', `control: ${path} was not answered within ${timeoutMs / 1_000} s`));
      outgoing.destroy();
    });
    outgoing.on('error', failed);
    outgoing.end(body);
  });
}

const errorBody = exactly({ error: object({ code: text(100), message: text() }) });

function readAnswer(status: number | undefined, body: string): unknown {
  const answer = parse(body);
  if (status === 200) return answer;
  const { code, message } = errorBody(answer, 'answer').error;
  if (code === 'INTERNAL')
    throw new LocalStackError(
      'CONTROL_FAILED',
      'control: the system failed to do it; the terminal of npm start says why',
    );
  // The server is of this repository: its other codes are those of this class.
  throw new LocalStackError(code as LocalStackErrorCode, message);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw refuse('the answer must be JSON', { cause });
  }
}

function notRunning(socketPath: string, cause: unknown): LocalStackError {
  return new LocalStackError(
    'NOT_RUNNING',
    `no running system answers on ${socketPath}: ${messageOf(cause)}; run npm start`,
    { cause },
  );
}
