/**
 * Assembles small WebAssembly modules with OPA's ABI that answer whatever a test wants, or trap: policies as no compiler
 * would make them. What a real one answers is tested with the committed bundle.
 */
const I32 = 0x7f;
const ENTRYPOINTS = '{"countersign/authz/decision":0}';
const [BUILTINS_AT, ENTRYPOINTS_AT, SHORT_AT, LONG_AT, HEAP_AT] = [1024, 1100, 2048, 4096, 65536];

/** What a module answers: a text, or `trap`. */
export interface FakePolicy {
  /** To inputs below 1000 bytes, so to the smoke queries, too. */
  readonly short: string;
  /** To any larger input. Default: as `short`. */
  readonly long?: string;
  readonly abiMinorVersion?: number;
  /** What it says it needs from its host, at most 70 characters. */
  readonly builtins?: string;
}

/** The bytes of a module. */
export function assembleFakePolicy({
  short,
  long = short,
  abiMinorVersion = 3,
  builtins = '{}',
}: FakePolicy): Uint8Array {
  const functions: [name: string, type: number, body: number[]][] = [
    ['builtins', 2, constant(BUILTINS_AT)],
    ['entrypoints', 2, constant(ENTRYPOINTS_AT)],
    ['opa_heap_ptr_get', 2, constant(HEAP_AT)],
    ['opa_heap_ptr_set', 3, []],
    ['opa_malloc', 0, constant(HEAP_AT)],
    ['opa_json_parse', 1, [0x20, 0]],
    // Texts are their own values: what is to be dumped is JSON already.
    ['opa_json_dump', 0, [0x20, 0]],
    [
      'opa_eval',
      4,
      [0x20, 4, ...constant(1000), 0x49, 0x04, I32, ...answer(short, SHORT_AT), 0x05, ...answer(long, LONG_AT), 0x0b],
    ],
  ];
  const globals: [name: string, value: number][] = [
    ['opa_wasm_abi_version', 1],
    ['opa_wasm_abi_minor_version', abiMinorVersion],
  ];
  const texts: [at: number, text: string][] = [
    [BUILTINS_AT, builtins],
    [ENTRYPOINTS_AT, ENTRYPOINTS],
    [SHORT_AT, short],
    [LONG_AT, long],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [
      type([I32], [I32]),
      type([I32, I32], [I32]),
      type([], [I32]),
      type([I32], []),
      type(Array(7).fill(I32), [I32]),
    ]),
    ...section(2, [[...name('env'), ...name('memory'), 2, 0, 2]]),
    ...section(
      3,
      functions.map(([, typeIndex]) => [typeIndex]),
    ),
    ...section(
      6,
      globals.map(([, value]) => [I32, 0, ...constant(value), 0x0b]),
    ),
    ...section(7, [
      ...functions.map(([label], index) => [...name(label), 0, index]),
      ...globals.map(([label], index) => [...name(label), 3, index]),
    ]),
    ...section(
      10,
      functions.map(([, , body]) => sized([0, ...body, 0x0b])),
    ),
    ...section(
      11,
      texts.map(([at, text]) => [0, ...constant(at), 0x0b, ...sized([...Buffer.from(`${text}\0`)])]),
    ),
  ]);
}

function answer(wanted: string, at: number): number[] {
  // Before it traps it spoils its own short answer: what comes after tells whether the instance was used again.
  return wanted === 'trap' ? [...constant(SHORT_AT), ...constant(0), 0x36, 2, 0, 0x00] : constant(at);
}

function constant(value: number): number[] {
  const bytes = [0x41];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    const last = rest >> 7 === 0 && (low & 0x40) === 0;
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

function type(parameters: number[], results: number[]): number[] {
  return [0x60, parameters.length, ...parameters, results.length, ...results];
}

function name(text: string): number[] {
  return sized([...Buffer.from(text)]);
}

function section(id: number, entries: number[][]): number[] {
  return [id, ...sized([...unsigned(entries.length), ...entries.flat()])];
}

function sized(bytes: number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >> 7)];
}
