/** Ports and labels meet: probes ask a port that is there, Services and budgets choose pods, selectors fit their templates. */

import { hasLabels } from '../../cluster/label-selectors.ts';
import { type Finding, quoted } from '../findings.ts';
import { at, isObject, type Json, listAt, textAt, textsAt } from '../json.ts';
import { idOf, ofKind } from '../objects.ts';
import { type Container, type PodTemplate, podsOf } from '../pods.ts';
import { selects } from '../selectors.ts';
import type { World } from '../world.ts';

/** Names of IANA services: 15 characters, and what is longer is refused only when it is applied. */
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/;

export function probePortExists({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap(({ owner, containers }) =>
    containers.flatMap((container) =>
      probedPorts(container)
        .filter((port) => !hasPort([container], port))
        .map((port) => ({
          rule: 'probe-port-exists',
          object: `${idOf(owner)}, ${container.name}`,
          says: `it has no port ${quoted(port)}`,
        })),
    ),
  );
}

export function portNameValid({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap(({ owner, containers }) =>
    containers
      .flatMap(({ body }) => listAt(body, 'ports'))
      .filter((port) => !PORT_NAME.test(textAt(port, 'name') ?? ''))
      .map((port) => ({
        rule: 'port-name-valid',
        object: idOf(owner),
        says: `a port has a name of at most 15 lower-case letters, digits and hyphens, got ${quoted(at(port, 'name'))}`,
      })),
  );
}

export function serviceSelectsPods({ objects }: World): readonly Finding[] {
  const pods = podsOf(objects);
  return ofKind(objects, 'Service').flatMap((service) => {
    const finding = (says: string): Finding => ({ rule: 'service-selects-pods', object: idOf(service), says });
    const selector = textsAt(service.body, 'spec', 'selector');
    const chosen = pods.filter((pod) => pod.namespace === service.namespace && hasLabels(selector, pod.labels));
    if (chosen.length === 0) return [finding(`it selects no pod by ${quoted(selector)}`)];
    return listAt(service.body, 'spec', 'ports').flatMap((port) => {
      const target = at(port, 'targetPort') ?? at(port, 'port');
      return chosen
        .filter((pod) => !hasPort(pod.containers, target))
        .map((pod) => finding(`targetPort ${quoted(target)} is no port of ${idOf(pod.owner)}`));
    });
  });
}

export function selectorMatchesTemplate({ objects }: World): readonly Finding[] {
  return podsOf(objects)
    .filter(({ owner }) => isObject(at(owner.body, 'spec', 'selector')))
    .filter(({ owner, labels }) => !selects(at(owner.body, 'spec', 'selector'), labels))
    .map(({ owner }) => ({
      rule: 'selector-matches-template',
      object: idOf(owner),
      says: `its selector does not take its own pods: ${quoted(at(owner.body, 'spec', 'selector'))}`,
    }));
}

/** A Deployment without one may lose every pod to a drain at once. */
export function disruptionBudget({ objects }: World): readonly Finding[] {
  const budgets = ofKind(objects, 'PodDisruptionBudget');
  const pods = podsOf(objects).filter(({ owner }) => ['Deployment', 'StatefulSet'].includes(owner.kind));
  const chooses = (budget: (typeof budgets)[number], pod: PodTemplate) =>
    budget.namespace === pod.namespace && selects(at(budget.body, 'spec', 'selector'), pod.labels);
  return [
    ...budgets
      .filter((budget) => !pods.some((pod) => chooses(budget, pod)))
      .map((budget) => ({ rule: 'disruption-budget', object: idOf(budget), says: 'it selects no pod' })),
    ...budgets
      .filter((budget) => at(budget.body, 'spec', 'maxUnavailable') === 0)
      .map((budget) => ({
        rule: 'disruption-budget',
        object: idOf(budget),
        says: 'maxUnavailable 0 lets no node be drained',
      })),
  ];
}

function probedPorts({ body }: Container): readonly Json[] {
  return ['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((probe) =>
    ['httpGet', 'tcpSocket', 'grpc'].flatMap((way) => at(body, probe, way, 'port') ?? []),
  );
}

/** By name or by number. */
function hasPort(containers: readonly Container[], wanted: Json | undefined): boolean {
  return containers.some(({ body }) =>
    listAt(body, 'ports').some((port) => at(port, 'name') === wanted || at(port, 'containerPort') === wanted),
  );
}
