/**
 * Enforces NetworkPolicies on the test's one node: follows pods, namespaces and policies, and replaces one nftables table at
 * each change. Ours, for a node whose kernel can't run kind's (it asks user space about packets, by NFQUEUE). It never goes on
 * after an error: it ends, and the node with it.
 *
 *     node main.ts --server https://127.0.0.1:6443 --ca FILE --certificate FILE --key FILE
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Cluster, Pod } from './cluster.ts';
import { readNamespace, readPod, readPolicy } from './read.ts';
import { rulesFor } from './rules.ts';
import { follow, type Objects } from './watch.ts';

const PATHS = {
  namespaces: '/api/v1/namespaces',
  pods: '/api/v1/pods',
  policies: '/apis/networking.k8s.io/v1/networkpolicies',
} as const;

const options = {
  server: { type: 'string' },
  ca: { type: 'string' },
  certificate: { type: 'string' },
  key: { type: 'string' },
} as const;
const { values } = parseArgs({ options });
const url = new URL(required('server'));
const server = {
  hostname: url.hostname,
  port: url.port,
  ca: readFileSync(required('ca')),
  cert: readFileSync(required('certificate')),
  key: readFileSync(required('key')),
};

const collections = new Map<keyof typeof PATHS, Objects>();
let wakeUp = Promise.withResolvers<void>();

/** Nothing is known yet: nothing passes. */
await load(rulesFor({ namespaces: new Map(), pods: [], policies: [] }));
await Promise.race([watch('namespaces'), watch('pods'), watch('policies'), apply()]);

function required(name: keyof typeof options): string {
  const value = values[name];
  if (value === undefined) throw new TypeError(`--${name} is missing`);
  return value;
}

function watch(name: keyof typeof PATHS): Promise<never> {
  return follow(server, PATHS[name], (objects) => {
    collections.set(name, objects);
    wakeUp.resolve();
  });
}

/** One table at a time; changes that come meanwhile make the next one. */
async function apply(): Promise<never> {
  let loaded = '';
  for (;;) {
    await wakeUp.promise;
    wakeUp = Promise.withResolvers();
    const cluster = readCluster();
    const rules = cluster === undefined ? loaded : rulesFor(cluster);
    if (rules === loaded) continue;
    await load(rules);
    loaded = rules;
    console.log(`${new Date().toISOString()} ${cluster?.pods.length} pods, ${cluster?.policies.length} policies`);
  }
}

/** @returns undefined until all three collections are complete */
function readCluster(): Cluster | undefined {
  const namespaces = collections.get('namespaces');
  const pods = collections.get('pods');
  const policies = collections.get('policies');
  if (namespaces === undefined || pods === undefined || policies === undefined) return undefined;
  return {
    namespaces: new Map([...namespaces.values()].map(readNamespace).map(({ name, labels }) => [name, labels])),
    pods: currentPods(pods),
    policies: [...policies.values()].map(readPolicy),
  };
}

/** An address may be given again before its former pod is gone from the API: it is the newer one's. */
function currentPods(pods: Objects): Pod[] {
  const read = [...pods.values()].flatMap((pod) => readPod(pod) ?? []);
  return [...new Map(read.map((pod) => [pod.address, pod])).values()];
}

async function load(rules: string): Promise<void> {
  const nft = spawn('nft', ['--file', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  nft.stdin.end(rules);
  const [code] = await once(nft, 'exit');
  if (code !== 0) throw new Error(`nft ended with ${code} on:\n${rules}`);
}
