/** What people apply, rendered: every overlay, component, extra and example. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyExceptions } from './exceptions.ts';
import { FAULTS } from './faults.ts';
import type { Finding, Part } from './findings.ts';
import { textAt } from './json.ts';
import { EXAMPLE_LINTS, OBJECT_LINTS, SYSTEM_LINTS } from './lints/index.ts';
import { parseYaml } from './objects.ts';
import { overlayFaults, replacementsOf } from './overlay-difference.ts';
import { podsOf } from './pods.ts';
import { render, root } from './render.ts';
import { runLints } from './run-lints.ts';
import { schemaFaults } from './schemas/schema-check.ts';
import { plannedExamples, plannedSystems, type Surroundings } from './systems.ts';

/** What `tilt up` applies, and what CI applies in its place. */
const [DEV, CI] = ['kind/overlays/dev', 'kind/overlays/ci'];
const ALL = [...OBJECT_LINTS, ...SYSTEM_LINTS];

export function* checkSystems(kubectl: string, surroundings: Surroundings): Generator<Part> {
  for (const plan of plannedSystems(kubectl, surroundings)) {
    yield part(plan.name, () => {
      const world = plan.render();
      const findings = [...schemaFaults(world.objects), ...runLints(ALL, world)];
      return { count: world.objects.length, findings: applyExceptions(plan.name, findings) };
    });
  }
}

/** The system that was tested is the one that people get. */
export function* checkOverlays(kubectl: string): Generator<Part> {
  yield part(`${CI} is ${DEV} with other images`, () => {
    const [dev, ci] = [render(kubectl, DEV), render(kubectl, CI)];
    const images = podsOf(dev).flatMap(({ containers }) => containers.map(({ body }) => textAt(body, 'image') ?? ''));
    const file = `${CI}/kustomization.yaml`;
    const [kustomization = {}] = parseYaml(readFileSync(join(root, file), 'utf8'), file);
    return { count: ci.length, findings: overlayFaults(dev, ci, replacementsOf(kustomization, images)) };
  });
}

export function* checkExamples(kubectl: string, surroundings: Surroundings): Generator<Part> {
  for (const example of plannedExamples(kubectl)) {
    yield part(example.name, () => {
      const objects = example.render();
      const world = { ...surroundings, name: example.name, objects, guests: new Set<string>() };
      return { count: objects.length, findings: [...schemaFaults(objects), ...runLints(EXAMPLE_LINTS, world)] };
    });
  }
}

/** The faults of the tests, planted in what people apply: no lint is blind there for want of something to look at. */
export function* checkPlantedFaults(kubectl: string, surroundings: Surroundings): Generator<Part> {
  yield part(`${DEV}, broken in ${FAULTS.length} ways`, () => {
    const plan = plannedSystems(kubectl, surroundings).find(({ name }) => name === DEV);
    const world = plan?.render();
    if (world === undefined) throw new Error('there is no such overlay');
    const unseen = FAULTS.filter(({ rule, names, plant }) => {
      const found = runLints(ALL, plant(world));
      return !found.some((finding) => finding.rule === rule && names.test(finding.object));
    });
    const findings = unseen.map(({ rule, title }) => ({ rule, object: DEV, says: `it does not see: ${title}` }));
    return { count: FAULTS.length, findings };
  });
}

/** What can't be rendered or read is a finding of its own, and the next part is looked at all the same. */
function part(title: string, check: () => { count: number; findings: readonly Finding[] }): Part {
  try {
    const { count, findings } = check();
    return { title: `${title} (${count})`, findings };
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return { title, findings: [{ rule: 'renders', object: title, says }] };
  }
}
