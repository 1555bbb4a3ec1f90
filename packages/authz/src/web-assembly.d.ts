/**
 * The little of WebAssembly's global that this package names: neither TypeScript's own ES libraries nor Node's types hold
 * it, and the DOM's would bring all of a browser's globals.
 */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
