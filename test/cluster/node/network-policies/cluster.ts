/**
 * What NetworkPolicies are decided on: namespaces, pods and policies, read strictly from what the API server sends. A field of
 * a policy that is not understood is an error: a rule that was left out could allow what should be refused.
 */
import { type Expression, hasLabels, holds, type Labels } from '../../label-selectors.ts';

export interface Cluster {
  /** Labels by the namespace's name. */
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly pods: readonly Pod[];
  readonly policies: readonly Policy[];
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly address: string;
  readonly ports: readonly NamedPort[];
}

export interface NamedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
}

export type Protocol = 'tcp' | 'udp' | 'sctp';

export interface Policy {
  readonly namespace: string;
  readonly name: string;
  readonly selector: Selector;
  /** Rules by direction; absent when the policy is not about it. */
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

export interface Rule {
  /** Undefined: everybody. */
  readonly peers: readonly Peer[] | undefined;
  /** Undefined: every port. */
  readonly ports: readonly Port[] | undefined;
}

export type Peer =
  | { readonly kind: 'block'; readonly cidr: string; readonly except: readonly string[] }
  | { readonly kind: 'pods'; readonly namespaces: Selector | undefined; readonly pods: Selector };

export interface Port {
  readonly protocol: Protocol;
  /** Undefined: every port of the protocol. */
  readonly port: number | string | undefined;
  readonly endPort: number | undefined;
}

export interface Selector {
  readonly labels: Labels;
  readonly expressions: readonly Expression[];
}

/** True when the labels are selected; an empty selector selects everything. */
export function matches({ labels, expressions }: Selector, of: Labels): boolean {
  return hasLabels(labels, of) && expressions.every((it) => holds(it, of));
}
