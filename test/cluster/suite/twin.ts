/**
 * A pod like those of a workload that runs, image and all, under another name, ServiceAccount or environment: what differs is
 * the identity, and nothing else.
 */
import assert from 'node:assert/strict';
import type { Api } from './api.ts';
import { eventually } from './eventually.ts';
import { NAME_LABEL } from './names.ts';
import {
  type Container,
  corePath,
  type Deployment,
  deploymentPath,
  isReady,
  type Pod,
  type Volume,
} from './objects.ts';

/** The image's own Node, on its PATH; there is no shell. */
export const NODE = 'node';

/** What differs from the workload's own pods. */
export interface TwinOptions {
  /** The pod's name. */
  readonly name: string;
  /** Deployment whose pods it is like. Its container has the same name. */
  readonly of: string;
  readonly serviceAccount: string;
  /** Value of the label that ClusterSPIFFEIDs, Services and NetworkPolicies go by; default the ServiceAccount. */
  readonly workload?: string;
  /** Runs nothing: a place to start probes in. */
  readonly idle?: boolean;
  /** What becomes of each volume; default the same. */
  readonly volume?: (own: Volume) => Volume;
}

/** The pod, deleted when it is disposed of. */
export interface Twin extends AsyncDisposable {
  readonly pod: string;
  readonly container: string;
  /** Resolves with it when it gets traffic. */
  ready(timeoutMs?: number): Promise<Pod>;
  /** Resolves with it when its container runs, ready or not. */
  running(timeoutMs?: number): Promise<Pod>;
  current(): Promise<Pod>;
}

/** Starts one. */
export async function startTwin(api: Api, options: TwinOptions): Promise<Twin> {
  const { name, of } = options;
  await api.apply(corePath('pods'), { method: 'POST', body: bodyOf(await api.get(deploymentPath(of)), options) });
  const current = () => api.get<Pod>(corePath('pods', name));
  return {
    pod: name,
    container: of,
    current,
    ready: (timeoutMs = 30_000) =>
      eventually(timeoutMs, async () => {
        const pod = await current();
        assert.ok(isReady(pod), `pod ${name} is not ready: ${JSON.stringify(pod.status.containerStatuses)}`);
        return pod;
      }),
    running: (timeoutMs = 30_000) =>
      eventually(timeoutMs, async () => {
        const pod = await current();
        const runs = pod.status.containerStatuses?.every(({ state }) => state?.running !== undefined);
        assert.ok(runs, `pod ${name} does not run: ${JSON.stringify(pod.status)}`);
        return pod;
      }),
    [Symbol.asyncDispose]: () => remove(api, name),
  };
}

function bodyOf({ spec: { template } }: Deployment, options: TwinOptions): object {
  const { serviceAccount, workload = serviceAccount, of, idle = false, volume = (own) => own } = options;
  // Tilt finds its own by labels.
  const labels = Object.entries(template.metadata.labels ?? {}).filter(([name]) => !name.startsWith('tilt.dev/'));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: options.name, labels: { ...Object.fromEntries(labels), [NAME_LABEL]: workload } },
    spec: {
      ...template.spec,
      serviceAccountName: serviceAccount,
      serviceAccount,
      volumes: (template.spec.volumes ?? []).map(volume),
      containers: template.spec.containers.map((container) =>
        container.name === of && idle ? toIdle(container) : container,
      ),
    },
  };
}

/** Ready as soon as it runs: there is nothing in it to ask. */
function toIdle({ livenessProbe: _l, readinessProbe: _r, startupProbe: _s, ...container }: Container): object {
  return { ...container, command: [NODE, '--eval', 'setInterval(() => {}, 1e6)'], args: [] };
}

async function remove(api: Api, name: string): Promise<void> {
  await api.send(`${corePath('pods', name)}?gracePeriodSeconds=1`, { method: 'DELETE' });
  await eventually(30_000, async () => {
    const { status } = await api.send(corePath('pods', name), {});
    assert.equal(status, 404, `pod ${name} is still there`);
  });
}
