/**
 * Test vectors of rules 1 to 3: the two headers, their size, and the form of each link.
 */
import type { ChainVector, VectorStep } from './chain-vectors.ts';
import { type Cast, headersOf, type Pair, pairOf, refused, stepOf, vectorOf } from './vector-cast.ts';
import { NOW } from './vector-world.ts';

/** All of them. */
export function formVectors(cast: Cast): ChainVector[] {
  return [...headerVectors(cast), ...sizeVectors(cast), ...textVectors(cast), ...linkVectors(cast)];
}

function headerVectors(cast: Cast): ChainVector[] {
  const chain = pairOf(cast);
  const { 'caller-chain': chains, 'caller-chain-certs': certs } = headersOf(chain);
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['the certificates are missing', chains, []],
    ['the links are missing', [], certs],
    ['the links are sent twice', [...chains, ...chains], certs],
    ['the certificates are sent twice', chains, [...certs, ...certs]],
    ['links sent twice are no list of links', chain.links, certs],
  ];
  return rows.map(([name, links, entries]) => {
    const headers = { 'caller-chain': links, 'caller-chain-certs': entries };
    return vectorOf(cast, name, [stepOf(cast, { chain, headers, expected: refused(1, 'CHAIN_MALFORMED') })]);
  });
}

function sizeVectors(cast: Cast): ChainVector[] {
  const chain = pairOf(cast);
  const bytes = [...Object.values(headersOf(chain))].join('').length;
  const [first = '', second = ''] = chain.links;
  const tooLarge = (name: string, options: object, links = chain.links): ChainVector =>
    vectorOf(cast, name, [stepOf(cast, { chain: { ...chain, links }, expected: refused(2, 'CHAIN_TOO_LARGE') })], {
      options,
    });
  return [
    tooLarge('five links', {}, [first, second, second, second, second]),
    tooLarge('one link more than this verifier takes', { maxLinks: 1 }),
    tooLarge('one byte more than this verifier takes', { maxBytes: bytes - 1 }),
    tooLarge('five links with nothing in them', {}, ['', '', '', '', '']),
  ];
}

/** Rows about the text of the headers. */
function textVectors(cast: Cast): ChainVector[] {
  const { links, entries } = pairOf(cast);
  const [a = '', b = ''] = links;
  const [header = '', payload = '', signature = ''] = b.split('.');
  const rows: readonly (readonly [string, readonly string[], (readonly string[])?])[] = [
    ['two empty headers', [''], ['']],
    ['more entries than links', [a, b], [...entries, cast.stranger.entry]],
    ['a space after the comma', [a, ` ${b}`]],
    ['a comma at the end', [a, b, '']],
    ['a link of two parts', [a, `${header}.${payload}`]],
    ['a link of four parts', [a, `${b}.AA`]],
    ['a signature with padding', [a, `${b}==`]],
    ['a signature in the alphabet of base64', [a, `${header}.${payload}.+/${signature.slice(2)}`]],
    ['a line break within base64url', [a, `${header}.${payload}\n.${signature}`]],
    ['a line break within a signature', [a, `${header}.${payload}.${signature.slice(0, 4)}\r\n${signature.slice(4)}`]],
    ['a signature whose unused bits are not zero', [a, withUnusedBit(b)]],
    ['an empty signature', [a, `${header}.${payload}.`]],
    ['an empty payload', [a, `${header}..${signature}`]],
  ];
  return rows.map(([name, sent, certs = entries]) => malformed(cast, name, { chain: { links: sent, entries: certs } }));
}

/** 64 bytes have 86 characters, the last of which has 4 bits that mean nothing. */
function withUnusedBit(link: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${link.slice(0, -1)}${alphabet[alphabet.indexOf(link.at(-1) ?? 'A') + 1]}`;
}

function malformed(
  cast: Cast,
  name: string,
  parts: { chain: { links: readonly string[]; entries: readonly string[] } },
) {
  const step: VectorStep = stepOf(cast, { ...parts, expected: refused(3, 'CHAIN_MALFORMED') });
  return vectorOf(cast, name, [step]);
}

/** Rows about what is in the last link. It is signed all the same. */
function linkVectors(cast: Cast): ChainVector[] {
  const header = (extra: object): Pair => ({ second: { header: extra } });
  const claims = (extra: object): Pair => ({ second: { claims: extra } });
  const editHeader = (edit: (json: string) => string): Pair => ({ second: { editHeader: edit } });
  const editClaims = (edit: (json: string) => string): Pair => ({ second: { editClaims: edit } });
  const more = (text: string) => (json: string) => `${json.slice(0, -1)},${text}}`;
  const rows: readonly (readonly [string, Pair])[] = [
    ['alg none', header({ alg: 'none' })],
    ['alg HS256', header({ alg: 'HS256' })],
    ['alg ES512', header({ alg: 'ES512' })],
    ['typ JWT', header({ typ: 'JWT' })],
    ['typ in capitals', header({ typ: 'CALLER-LINK+JWS' })],
    ['crit', header({ crit: ['exp'] })],
    ['x5c', header({ x5c: [] })],
    ['no x5t#S256', header({ 'x5t#S256': undefined })],
    ['a member of the header twice', editHeader(more('"alg":"ES256"'))],
    ['a member of the header twice, once escaped', editHeader(more('"\\u0061lg":"ES256"'))],
    ['a member of the header in capitals', editHeader((json) => json.replace('"alg"', '"ALG"'))],
    ['a byte order mark before the header', editHeader((json) => `\uFEFF${json}`)],
    ['a header that is a list', editHeader(() => '[]')],
    ['a payload that is no JSON', editClaims((json) => json.slice(0, -1))],
    ['a payload with something after it', editClaims((json) => `${json}{}`)],
    ['a claim twice, the same', editClaims(more(`"iat":${NOW}`))],
    ['an unknown claim', claims({ sub: 'a' })],
    ['iss with the trust domain in capitals', claims({ iss: cast.middle.id.replace('example', 'EXAMPLE') })],
    ['aud that is a list', claims({ aud: [cast.store.id] })],
    ['aud with a slash at its end', claims({ aud: `${cast.store.id}/` })],
    ['no act', claims({ act: undefined })],
    ['act with two spaces', claims({ act: 'POST  /orders' })],
    ['act of 2049 characters', claims({ act: `/${'a'.repeat(2_048)}` })],
    ['txn of 64 bits', claims({ txn: 'AAAAAAAAAAA' })],
    ['jti whose unused bits are not zero', claims({ jti: `${'A'.repeat(21)}B` })],
    ['iat as text', claims({ iat: `${NOW}` })],
    ['iat with a fraction', claims({ iat: NOW + 0.5 })],
    ['exp after the year 9999', claims({ exp: 253_402_300_800 })],
    ['prev null', claims({ prev: null })],
    ['bodyDigest of 20 bytes', claims({ bodyDigest: 'A'.repeat(27) })],
  ];
  return rows.map(([name, parts]) => malformed(cast, name, { chain: pairOf(cast, parts) }));
}
