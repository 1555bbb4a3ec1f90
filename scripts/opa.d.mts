/** Types of opa.mjs, which is plain JavaScript so that the Node of the host can run it. */
export function findOpa(env?: NodeJS.ProcessEnv): string;
