/** Types of cluster-tools-crds.mjs, for the suite of the cluster. */
export declare function ensureCrds(
  say: (text: string) => void,
  env?: NodeJS.ProcessEnv,
  owner?: 'spire' | 'cert-manager',
): string;
