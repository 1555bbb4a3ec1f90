/** What `npm run kind -- doctor` looks at, gathered before any check runs, so that each finding can be planted in a test. */
import type { Check } from '../../doctor/facts.ts';

/** A program on PATH. */
export interface ToolFacts {
  readonly name: ToolName;
  /** Its answer to the question for its version; absent: it is not there. */
  readonly version?: string;
}

/** A program that is needed. */
export type ToolName = 'docker' | 'kind' | 'kubectl' | 'helm' | 'tilt';

/** What Docker's engine says of itself; on a desktop it is a virtual machine's. */
export type EngineFacts =
  | { readonly state: 'up'; readonly memoryBytes: number; readonly cpus: number }
  | { readonly state: 'down'; readonly message: string };

/** The kernel's limits of file watches; absent where the nodes run in a virtual machine that can't be asked. */
export interface InotifyFacts {
  readonly maxUserWatches: number;
  readonly maxUserInstances: number;
}

/** A port of this machine that the cluster or its port forwards take. */
export interface PortFacts {
  readonly port: number;
  readonly use: string;
  /** Why it can't be bound. */
  readonly problem?: string;
}

/** Everything. */
export interface KindFacts {
  readonly tools: readonly ToolFacts[];
  readonly engine: EngineFacts;
  readonly inotify?: InotifyFacts;
  readonly ports: readonly PortFacts[];
  /** Clusters that kind knows. */
  readonly clusters: readonly string[];
  /** Contexts of the kubeconfig. */
  readonly contexts: readonly string[];
  /** Whether the API server of our context answers; absent without the context. */
  readonly apiServer?: { readonly answers: boolean; readonly message: string };
  /** State of the registry's container, as `running`; absent: there is none. */
  readonly registry?: string;
}

/** A check of these facts. */
export type KindCheck = Check<KindFacts>;
