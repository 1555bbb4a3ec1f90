/**
 * What each caller presents at each server.
 */
import { fetchX509Context } from '@countersign/spiffe-tls';
import { createTestCa, KeyPurpose, KeyUsageFlags, type TestCa } from '@countersign/testkit';
import { type MintOptions, mint, type RealIssuer } from './ca-key.ts';
import { type Caller, permittedAt, type Server } from './table.ts';
import type { Material } from './wire-tls.ts';

/** Names of the domains that callers of another trust domain are of. */
export const FOREIGN = { stranger: 'stranger.example', federated: 'federated.example' } as const;

/** What credentials are made from. */
export interface CredentialGround {
  workload(name: string): { readonly spiffeId: string; readonly dnsName: string };
  socketAs(workload: string): Promise<string>;
  /** The present CA. */
  readonly issuer: RealIssuer;
  /** The CA that left the bundle, if one did. */
  readonly oldIssuer?: RealIssuer;
  /** The CA of a trust domain that the servers have the bundle of, if there is one. */
  readonly federated?: TestCa;
}

/** Gives the material of a caller; each is made once. `undefined` is no certificate. */
export interface Credentials {
  of(caller: Caller, server: Server): Promise<Material | undefined>;
  /** A workload's own. */
  member(workload: string): Promise<Material>;
  /** A workload's names, by a CA of our own. */
  forged(workload: string): Promise<Material>;
}

/** Prepares them. */
export function createCredentials(ground: CredentialGround): Credentials {
  const made = new Map<string, Promise<Material | undefined>>();
  const members = new Map<string, Promise<Material>>();
  const member = (workload: string): Promise<Material> => {
    const material = members.get(workload) ?? ground.socketAs(workload).then(copyOf);
    members.set(workload, material);
    return material;
  };
  return {
    member,
    async forged(workload) {
      const { spiffeId } = ground.workload(workload);
      return issued(
        await (await createTestCa({ trustDomain: spiffeId.split('/')[2] ?? '' })).issue({ uris: [spiffeId] }),
      );
    },
    of(caller, server) {
      const key = caller.impostor === true ? `${caller.name} ${permittedAt(server)}` : caller.name;
      const material = made.get(key) ?? make(caller, permittedAt(server), ground, member);
      made.set(key, material);
      return material;
    },
  };
}

const minutes = (count: number) => new Date(Date.now() + count * 60_000);

async function make(
  caller: Caller,
  claimed: string,
  ground: CredentialGround,
  member: Credentials['member'],
): Promise<Material | undefined> {
  const { spiffeId, dnsName } = ground.workload(claimed);
  const named: MintOptions = { uris: [spiffeId], dnsNames: [dnsName], commonName: dnsName };
  switch (caller.name) {
    case 'none':
      return undefined;
    case 'foreign domain': {
      const stranger = await createTestCa({ trustDomain: FOREIGN.stranger });
      return issued(await stranger.issue({ path: '/customer', dnsNames: [dnsName] }));
    }
    case 'federated, unnamed':
      return issued(await given(ground.federated, caller).issue({ path: '/customer', dnsNames: [dnsName] }));
    case 'expired':
      return mint(ground.issuer, { ...named, notBefore: minutes(-2), notAfter: minutes(-1) });
    case 'not yet valid':
      return mint(ground.issuer, { ...named, notBefore: minutes(10), notAfter: minutes(20) });
    case 'two URI SANs':
      return mint(ground.issuer, { ...named, uris: [spiffeId, ground.workload('rogue').spiffeId] });
    case 'CA as leaf':
      return mint(ground.issuer, { ...named, isCa: true, keyUsage: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign });
    case "other domain's CA":
      return issued(await given(ground.federated, caller).issue(named));
    case 'old CA': {
      // Its root is sent along: a verifier that takes what it is sent for an anchor would let it in.
      const oldIssuer = given(ground.oldIssuer, caller);
      const { cert, key } = await mint(oldIssuer, named);
      return { cert: cert + oldIssuer.root.pem, key };
    }
    case 'CA of our name': {
      const twin = await createTestCa({ trustDomain: spiffeId.split('/')[2] ?? '', name: ground.issuer.root.name });
      return issued(await twin.issue({ ...named, withoutKeyIds: true }));
    }
    case 'ID of a trust domain':
      return mint(ground.issuer, { ...named, uris: [spiffeId.split('/').slice(0, 3).join('/')] });
    case 'no keyUsage':
      return mint(ground.issuer, { ...named, keyUsage: null });
    case 'server only':
      return mint(ground.issuer, { ...named, extendedKeyUsage: [KeyPurpose.serverAuth] });
    case 'unknown critical':
      return mint(ground.issuer, { ...named, unknownCritical: '1.2.3.4' });
    default:
      return member(caller.name);
  }
}

/** A Workload API that has an identity to give gives it sooner. */
const IDENTITY_MS = 10_000;

/** A workload's own SVID, as whoever can read its memory would have it. */
export async function copyOf(endpoint: string): Promise<Material> {
  const { svid } = await fetchX509Context({ endpoint, timeoutMs: IDENTITY_MS });
  return { cert: svid.certificatePem, key: svid.privateKeyPem() };
}

/** Not every world has every CA. */
function given<Issuer>(issuer: Issuer | undefined, { name }: Caller): Issuer {
  if (issuer === undefined) throw new TypeError(`matrix: nothing here issues what "${name}" presents`);
  return issuer;
}

function issued({ certificatePem, keyPem }: { certificatePem: string; keyPem: string }): Material {
  return { cert: certificatePem, key: keyPem };
}
