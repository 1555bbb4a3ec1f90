/**
 * The chains of the comparisons: every row of the tables of bad certificates, and generated ones.
 */
import { TrustDomain, X509Bundle, X509BundleSet } from '@countersign/spiffe-tls';
import { badChains, badLeaves, createBadCertificateWorld, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { chainSpecs, makeChain, trustDomain } from './oracle-chains.ts';

/** The same shapes each time, over new keys. */
const SEED = 20_261_125;

/** A chain with what both sides trust. */
export interface ChainCase {
  readonly what: string;
  readonly chain: readonly Uint8Array[];
  /** By trust domain. */
  readonly anchors: Readonly<Record<string, readonly Uint8Array[]>>;
}

async function tables(): Promise<ChainCase[]> {
  const world = await createBadCertificateWorld();
  const trusted = [world.ca.bundle(), world.federated.bundle()];
  const rows = [...badLeaves, ...badChains].map(async (row) => {
    const { chain, bundles } = await row.make(world, 'client');
    return { what: row.rule, chain, anchors: Object.fromEntries((bundles ?? trusted).map(derOf)) };
  });
  return Promise.all(rows);
}

async function generated(runs: number): Promise<ChainCase[]> {
  const specs = fc.sample(chainSpecs, { ...propertyRuns(runs), seed: SEED });
  return Promise.all(
    specs.map(async (spec) => {
      const made = await makeChain(spec);
      return { what: made.what, chain: made.chain, anchors: { [trustDomain.name]: made.anchors } };
    }),
  );
}

/** The tables, and `runs` generated chains. */
export async function chainCases(runs: number): Promise<ChainCase[]> {
  return [...(await tables()), ...(await generated(runs))];
}

/** Whether the leaf itself is among the anchors. */
export function isLeafAnchor({ chain: [leaf = new Uint8Array()], anchors }: ChainCase): boolean {
  return Object.values(anchors)
    .flat()
    .some((der) => Buffer.compare(der, leaf) === 0);
}

/** The anchors as bundles; throws for malformed ones. */
export function parseBundles(anchors: ChainCase['anchors']): X509BundleSet {
  const parsed = Object.entries(anchors).map(([name, ders]) =>
    X509Bundle.fromDer(TrustDomain.parse(name), Buffer.concat(ders)),
  );
  return X509BundleSet.of(...parsed);
}

function derOf({ trustDomain: { name }, authorities }: X509Bundle): [string, readonly Uint8Array[]] {
  return [name, authorities.map(({ der }) => der)];
}
