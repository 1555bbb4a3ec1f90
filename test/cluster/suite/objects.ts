/** The objects of the cluster, as far as tests look at them, and where each is found in the API. */
import type { Api } from './api.ts';
import { NAME_LABEL, NAMESPACES } from './names.ts';

/** What every object has. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly generation?: number;
}

/** A container as it is asked for. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
  readonly startupProbe?: object;
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value?: string; readonly valueFrom?: object }>;
}

/** A volume; of what it is made, as far as tests change that. */
export interface Volume {
  readonly name: string;
  readonly csi?: {
    readonly driver: string;
    readonly readOnly?: boolean;
    readonly fsType?: string;
    readonly volumeAttributes?: Readonly<Record<string, string>>;
  };
  readonly configMap?: { readonly name: string };
}

/** A container as it is. */
export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state?: {
    readonly running?: object;
    readonly terminated?: { readonly exitCode: number };
    readonly waiting?: object;
  };
}

/** A pod's specification; what is not named here is passed on as it is. */
export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
}

/** A pod. */
export interface Pod {
  readonly metadata: ObjectMeta;
  readonly spec: PodSpec;
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }>;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

/** A Deployment. */
export interface Deployment {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly replicas: number;
    readonly template: { readonly metadata: ObjectMeta; readonly spec: PodSpec };
  };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
  };
}

/** A list as the API gives it. */
export interface ListOf<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

/** Where a namespace's objects of core kinds are. */
export function corePath(kind: string, name = '', namespace: string = NAMESPACES.shop): string {
  return `/api/v1/namespaces/${namespace}/${kind}${name === '' ? '' : `/${name}`}`;
}

/** Where a Deployment is. */
export function deploymentPath(name: string): string {
  return `/apis/apps/v1/namespaces/${NAMESPACES.shop}/deployments/${name}`;
}

/** Pods of a workload that are not on their way out. */
export async function podsOf(api: Api, workload: string, namespace: string = NAMESPACES.shop): Promise<readonly Pod[]> {
  const pods = await allPodsOf(api, workload, namespace);
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** All that there are. */
export async function allPodsOf(
  api: Api,
  workload: string,
  namespace: string = NAMESPACES.shop,
): Promise<readonly Pod[]> {
  const selector = encodeURIComponent(`${NAME_LABEL}=${workload}`);
  return (await api.get<ListOf<Pod>>(`${corePath('pods', '', namespace)}?labelSelector=${selector}`)).items;
}

/** Names of pods. */
export function namesOf(pods: readonly Pod[]): string[] {
  return pods.map(({ metadata }) => metadata.name);
}

/** Whether a pod gets traffic. */
export function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

/** The address of a pod, which it has as soon as it runs. */
export function addressOf({ metadata, status }: Pod): string {
  if (status.podIP === undefined) throw new Error(`pod ${metadata.name} has no address yet`);
  return status.podIP;
}
