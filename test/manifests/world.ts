/** What the lints look at: the objects of one rendered overlay, and what stands beside them. */
import type { GrantsDocument, Identities } from '@countersign/identities';
import type { Finding } from './findings.ts';
import type { Json } from './json.ts';
import type { KubeObject } from './objects.ts';

/** One system as it would be applied. */
export interface World {
  /** `kind/overlays/dev`, or what is put on top of it. */
  readonly name: string;
  readonly objects: readonly KubeObject[];
  /** Names of pods that come on top to be refused: the network lets them further than any grant, on purpose. */
  readonly guests: ReadonlySet<string>;
  readonly identities: Identities;
  /** Helm values of SPIRE, merged as Helm merges them. */
  readonly spireValues: Json;
  /** The policy's data. */
  readonly grants: GrantsDocument;
  /** Services whose images are built here. */
  readonly builtImages: ReadonlySet<string>;
}

/** A check of one world. Pure: the same world gives the same findings. */
export type Lint = (world: World) => readonly Finding[];

/** The label that opts a namespace and its pods in to identities. */
export function identityLabel({ trustDomain }: Identities): string {
  return `${trustDomain}/identity`;
}
