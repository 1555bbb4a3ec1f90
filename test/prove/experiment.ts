/**
 * An experiment: one sentence that is claimed, or one attack that succeeds on something weaker in the same place, and how
 * to see it. Run alone or with the others; its verdict follows from its checks and from nothing else.
 */
import type { Lab } from './lab.ts';
import { createNotebook, type Notebook, type Step } from './notebook.ts';

/** The four properties. */
export const PROPERTIES = {
  G1: "An identity can't be captured and replayed",
  G2: 'The scope of trust can be configured',
  G3: 'The server knows its caller: logs it, forwards it, decides on it',
  G4: 'Identities are short-lived and rotated by themselves, and a new workload needs no change elsewhere',
} as const;

/** Name of a property. */
export type Property = keyof typeof PROPERTIES;

/** One experiment. */
export interface Experiment {
  /** Such as `G1.2`. */
  readonly id: `${Property}.${number}`;
  /** A claim must hold. A contrast shows that the same attack succeeds elsewhere: without it a claim would prove little. */
  readonly kind: 'claim' | 'contrast';
  /** The sentence. */
  readonly title: string;
  run(lab: Lab, notes: Notebook): Promise<void>;
}

/** What came of one. */
export interface Outcome {
  readonly id: string;
  readonly property: Property;
  readonly kind: Experiment['kind'];
  readonly title: string;
  readonly verdict: 'holds' | 'fails' | 'n/a';
  readonly steps: readonly Step[];
  /** What ended the experiment before its time. */
  readonly error?: string;
  readonly durationMs: number;
}

/** Runs one. Never rejects: what is thrown is a claim that was not shown. */
export async function runExperiment(
  experiment: Experiment,
  lab: Lab,
  onStep?: (text: string) => void,
): Promise<Outcome> {
  const notes = createNotebook(onStep);
  const startedAt = performance.now();
  let error: string | undefined;
  try {
    await experiment.run(lab, notes);
  } catch (cause) {
    error = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  }
  return {
    id: experiment.id,
    property: propertyOf(experiment),
    kind: experiment.kind,
    title: experiment.title,
    verdict: error === undefined ? verdictOf(notes.steps) : 'fails',
    steps: notes.steps,
    ...(error === undefined ? {} : { error }),
    durationMs: Math.round(performance.now() - startedAt),
  };
}

/** Nothing checked is nothing shown: only an experiment all of whose steps can't be done here has no verdict. */
function verdictOf(steps: readonly Step[]): Outcome['verdict'] {
  const checks = steps.flatMap((step) => step.checks);
  if (checks.length === 0) return steps.some(({ notApplicable }) => notApplicable !== undefined) ? 'n/a' : 'fails';
  return checks.every(({ holds }) => holds) ? 'holds' : 'fails';
}

/** The property that an experiment belongs to. */
export function propertyOf({ id }: Pick<Experiment, 'id'>): Property {
  const [property] = id.split('.');
  if (property !== undefined && isProperty(property)) return property;
  throw new TypeError(`prove: ${id} belongs to no property`);
}

/** Whether this names a property. */
export function isProperty(name: string): name is Property {
  return Object.hasOwn(PROPERTIES, name);
}
