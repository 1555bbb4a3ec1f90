/** All checks of `npm run kind -- doctor`, in the order in which one would look: programs, the engine, this machine, the cluster. */
import type { Finding } from '../../doctor/facts.ts';
import { context } from '../kubectl.ts';
import type { KindCheck, ToolName } from './facts.ts';

/** The least version that fits, and what becomes of what when it does not. */
interface Wanted {
  readonly atLeast: readonly [major: number, minor: number];
  readonly below?: readonly [major: number, minor: number];
  readonly status: Finding['status'];
  readonly fix: string;
}

const WANTED: Readonly<Record<ToolName, Wanted>> = {
  docker: {
    atLeast: [23, 0],
    status: 'fail',
    fix: 'Install Docker (https://docs.docker.com/get-docker); its builder must be BuildKit.',
  },
  kind: {
    atLeast: [0, 32],
    status: 'fail',
    fix: 'Install kind 0.32 or later (https://kind.sigs.k8s.io): before, its network policies had faults.',
  },
  // Of the cluster's version, or one away: what Kubernetes supports.
  kubectl: {
    atLeast: [1, 35],
    below: [1, 38],
    status: 'fail',
    fix: 'Install kubectl 1.36 (https://kubernetes.io/docs/tasks/tools).',
  },
  helm: {
    atLeast: [3, 18],
    below: [5, 0],
    status: 'fail',
    fix: 'Install Helm 4 (https://helm.sh/docs/intro/install).',
  },
  tilt: {
    atLeast: [0, 36],
    status: 'warn',
    fix: 'Install Tilt (https://docs.tilt.dev/install.html), or use npm run kind -- up.',
  },
};

const tools: KindCheck = {
  name: 'tools',
  holds: 'docker, kind, kubectl, helm and tilt are there in versions that fit',
  run: ({ tools: found }) =>
    found.flatMap(({ name, version }) => {
      const { status, fix, atLeast, below } = WANTED[name];
      if (version === undefined) return [{ status, subject: name, evidence: 'it is not on PATH', fix }];
      const numbers = /(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? [];
      if (!isBefore(numbers, atLeast) && (below === undefined || isBefore(numbers, below))) return [];
      const wanted = `${atLeast.join('.')} or later${below === undefined ? '' : `, below ${below.join('.')}`}`;
      return [{ status, subject: name, evidence: `it is ${version}, wanted ${wanted}`, fix }];
    }),
};

function isBefore(
  [major = 0, minor = 0]: readonly number[],
  [otherMajor = 0, otherMinor = 0]: readonly number[],
): boolean {
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

const GiB = 1024 ** 3;
/**
 * The node with everything on it had at most 1.4 GiB at once in docs/reference/cluster-test.md, and building three images takes
 * as much again: less than the first does not do. With the second every pod may grow to its limit.
 */
const MEMORY = { least: 3 * GiB, comfortable: 4.5 * GiB } as const;
const CPUS = 2;

const engine: KindCheck = {
  name: 'engine',
  holds: "Docker's engine answers, and has memory and processors for the cluster",
  run: ({ engine: found }) => {
    const subject = "Docker's engine";
    if (found.state === 'down') {
      const fix = 'Start Docker; on Linux your user must be in the group docker (or Docker rootless).';
      return [{ status: 'fail', subject, evidence: found.message, fix }];
    }
    const { memoryBytes, cpus } = found;
    const memory = memoryBytes >= MEMORY.comfortable ? [] : [memoryFinding(subject, memoryBytes)];
    if (cpus >= CPUS) return memory;
    const fix = `Give it ${CPUS} in Docker's settings: with fewer the start takes minutes longer and probes run out of time.`;
    return [...memory, { status: 'warn', subject, evidence: `it has ${cpus} processor`, fix }];
  },
};

function memoryFinding(subject: string, bytes: number): Finding {
  const fix = `Give it ${MEMORY.comfortable / GiB} GiB in Docker's settings (Resources), or close other containers.`;
  const evidence = `it has ${(bytes / GiB).toFixed(1)} GiB of memory`;
  return { status: bytes < MEMORY.least ? 'fail' : 'warn', subject, evidence, fix };
}

/** As kind's documents name them: below, a node's kubelet fails with "too many open files". */
const INOTIFY = { 'fs.inotify.max_user_watches': 524_288, 'fs.inotify.max_user_instances': 512 } as const;

const inotify: KindCheck = {
  name: 'inotify',
  holds: 'the kernel lets programs watch enough files',
  run: ({ inotify: found }) => {
    if (found === undefined) return [];
    const values = {
      'fs.inotify.max_user_watches': found.maxUserWatches,
      'fs.inotify.max_user_instances': found.maxUserInstances,
    } as const;
    return (['fs.inotify.max_user_watches', 'fs.inotify.max_user_instances'] as const).flatMap((subject): Finding[] => {
      const least = INOTIFY[subject];
      if (values[subject] >= least) return [];
      const fix = `sudo sysctl ${subject}=${least} (for good: a line in /etc/sysctl.d/99-kind.conf).`;
      return [{ status: 'fail', subject, evidence: `it is ${values[subject]}, wanted ${least}`, fix }];
    });
  },
};

const ports: KindCheck = {
  name: 'ports',
  holds: 'the ports of registry, pages and Jaeger are free, or their own',
  run: ({ ports: found }) =>
    found.flatMap(({ port, use, problem }) => {
      if (problem === undefined) return [];
      const fix = `Stop that program (ss -ltnp sport = :${port}); npm start and npm run kind take the same ports.`;
      return [{ status: 'fail', subject: use, evidence: `127.0.0.1:${port} ${problem}`, fix }];
    }),
};

const cluster: KindCheck = {
  name: 'cluster',
  holds: 'there is no cluster of this name yet, or its context leads to it',
  run: ({ clusters, contexts, apiServer }) => {
    const isThere = clusters.includes('countersign');
    const hasContext = contexts.includes(context);
    if (isThere && !hasContext) {
      const fix = 'kind export kubeconfig --name countersign';
      return [
        {
          status: 'fail',
          subject: context,
          evidence: 'kind has the cluster, the kubeconfig has no context of it',
          fix,
        },
      ];
    }
    if (!isThere && hasContext) {
      const fix = `npm run kind -- down, which also removes what is left of the context; or kubectl config delete-context ${context}`;
      return [
        { status: 'fail', subject: context, evidence: 'the kubeconfig has the context, kind has no such cluster', fix },
      ];
    }
    if (apiServer === undefined || apiServer.answers) return [];
    const fix =
      'Is the node paused or the machine just awake? docker start countersign-control-plane; else npm run kind -- down and up.';
    return [{ status: 'fail', subject: context, evidence: apiServer.message, fix }];
  },
};

const registry: KindCheck = {
  name: 'registry',
  holds: 'the registry of the cluster runs, where there is a cluster',
  run: ({ clusters, registry: state }) => {
    if (!clusters.includes('countersign') || state === 'running') return [];
    const evidence = state === undefined ? 'there is no container countersign-registry' : `its container is ${state}`;
    return [
      { status: 'fail', subject: 'localhost:5001', evidence, fix: 'kind/up.sh starts it again and connects it.' },
    ];
  },
};

/** The table of checks. */
export const KIND_CHECKS: readonly KindCheck[] = [tools, engine, inotify, ports, cluster, registry];
