/** Types of tool-cache.mjs, which is plain JavaScript so that the Node of the host can run it. */
export function toolFolder(name: string, version: string, env?: NodeJS.ProcessEnv): string;
