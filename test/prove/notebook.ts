/**
 * What an experiment writes down while it runs: steps, each with what was measured and what had to be so. A check compares
 * a value that was measured with what the claim says, and both stand in the report.
 */
import { isDeepStrictEqual } from 'node:util';

/** Anything that is worth a line of the report. */
export type Value = string | number | boolean | null | undefined | readonly Value[];

/** A value that was measured. */
export interface Measurement {
  readonly name: string;
  readonly value: Value;
}

/** A comparison and how it ended. */
export interface Check {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  readonly holds: boolean;
}

/** One step of an experiment. */
export interface Step {
  readonly text: string;
  readonly measured: Measurement[];
  readonly checks: Check[];
  /** Why it was not done where it can't be. */
  notApplicable?: string;
}

/** What a claim says of a value where that is more than one value. */
export interface Expectation {
  readonly says: string;
  holds(got: Value): boolean;
}

/** At least so many. */
export function atLeast(least: number): Expectation {
  return { says: `at least ${least}`, holds: (got) => typeof got === 'number' && got >= least };
}

/** One of these. */
export function oneOf(...values: readonly Value[]): Expectation {
  return {
    says: values.map(show).join(' or '),
    holds: (got) => values.some((value) => isDeepStrictEqual(value, got)),
  };
}

/** Anything but this, and not nothing. */
export function otherThan(value: Value): Expectation {
  return {
    says: `something other than ${show(value)}`,
    holds: (got) => got !== undefined && got !== '' && !isDeepStrictEqual(value, got),
  };
}

/** Text of this form. */
export function like(form: RegExp): Expectation {
  return { says: `like ${form}`, holds: (got) => typeof got === 'string' && form.test(got) };
}

/** The notes of one experiment. */
export interface Notebook {
  readonly steps: readonly Step[];
  /** Begins a step; what follows belongs to it. */
  step(text: string): void;
  /** Writes a value down. */
  measure(name: string, value: Value): void;
  /** Compares, writes both down, and says whether it holds. The experiment goes on either way. */
  check(what: string, expected: Value | Expectation, got: Value): boolean;
  /** Says why the present step can't be done here. */
  notApplicable(reason: string): void;
}

/** An empty one. */
export function createNotebook(onStep: (text: string) => void = () => {}): Notebook {
  const steps: Step[] = [];
  const current = (): Step => {
    const last = steps.at(-1);
    if (last === undefined) throw new TypeError('prove: an experiment begins with a step');
    return last;
  };
  return {
    steps,
    step(text) {
      steps.push({ text, measured: [], checks: [] });
      onStep(text);
    },
    measure: (name, value) => void current().measured.push({ name, value }),
    check(what, expected, got) {
      const expectation = isExpectation(expected) ? expected : exactly(expected);
      const holds = expectation.holds(got);
      current().checks.push({ what, expected: expectation.says, got: show(got), holds });
      return holds;
    },
    notApplicable(reason) {
      current().notApplicable = reason;
    },
  };
}

function isExpectation(value: Value | Expectation): value is Expectation {
  return typeof value === 'object' && value !== null && 'holds' in value;
}

function exactly(value: Value): Expectation {
  return { says: show(value), holds: (got) => isDeepStrictEqual(value, got) };
}

/** A value as people read it. */
export function show(value: Value): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
