/** Answers requests for files of the page: compressed as the browser has it, kept by it as long as that is right. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PageFile } from './page-files.ts';

const A_YEAR = 365 * 24 * 3600;

/** Sends a file. */
export function sendPageFile(request: IncomingMessage, response: ServerResponse, file: PageFile): void {
  const { encoding, content } = chooseEncoding(request.headers['accept-encoding'], file);
  response.setHeader('content-type', file.type);
  response.setHeader('cache-control', file.immutable ? `public, max-age=${A_YEAR}, immutable` : 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if (encoding !== undefined) response.setHeader('content-encoding', encoding);
  response.setHeader('content-length', content.length);
  response.end(content);
}

/** The smallest form that the header allows. */
export function chooseEncoding(
  header: string | readonly string[] | undefined,
  file: Pick<PageFile, 'plain' | 'br' | 'gzip'>,
): { readonly encoding: 'br' | 'gzip' | undefined; readonly content: Buffer } {
  const accepted = acceptedEncodings(String(header ?? ''));
  if (file.br !== undefined && accepted('br')) return { encoding: 'br', content: file.br };
  if (file.gzip !== undefined && accepted('gzip')) return { encoding: 'gzip', content: file.gzip };
  return { encoding: undefined, content: file.plain };
}

/** RFC 9110, 12.5.3: a weight of 0 is a no, and `*` stands for what is not named. */
function acceptedEncodings(header: string): (name: string) => boolean {
  const weights = new Map(
    header.split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='));
      return [name, weight === undefined ? 1 : Number(weight.slice(2))] as const;
    }),
  );
  return (name) => (weights.get(name) ?? weights.get('*') ?? 0) > 0;
}
