/**
 * Asks another implementation what it makes of an input, and holds every difference from ours against the documented ones.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { SpiffeTlsError } from '@countersign/spiffe-tls';
import type { Disagreement } from './disagreements.ts';
import { peerProgram } from './interop.ts';

const MAX_SHOWN = 10;

/** What comes of an input: a value, written so that equal ones are equal texts, or the reason of a refusal. */
export type Outcome = { readonly value: string } | { readonly refused: string };

/** A question to the go-spiffe program; see its source for the fields of each kind. */
export interface Question {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Asks go-spiffe everything at once. */
export function askGoSpiffe(questions: readonly Question[]): Outcome[] {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(peerProgram('go-spiffe-oracle'), {
    input,
    encoding: 'utf8',
    maxBuffer: 512 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr);
  const answers = stdout.trimEnd().split('\n');
  assert.equal(answers.length, questions.length, 'one answer to each question');
  return answers.map((line) => {
    const answer: unknown = JSON.parse(line);
    assert.ok(typeof answer === 'object' && answer !== null);
    if ('error' in answer) return { refused: String(answer.error) };
    return { value: canonical('value' in answer ? answer.value : null) };
  });
}

/** What comes of ours. Anything thrown but our error is a crash, and fails the test. */
export function askOurs(read: () => unknown): Outcome {
  try {
    return { value: canonical(read()) };
  } catch (error) {
    assert.ok(error instanceof SpiffeTlsError, `${error instanceof Error ? error.stack : error}`);
    return { refused: `${error.code}: ${error.message}` };
  }
}

/** JSON with the members of each object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/** Base64, as Go reads bytes in JSON. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** Compares outcomes, and notes which documented difference explains each that is not the same. */
export class Comparison<Input> {
  readonly #disagreements: readonly Disagreement<Input>[];
  readonly #elsewhere: readonly Disagreement<Input>[];
  readonly #seen = new Map<string, number>();
  /** By reason, with one input each. */
  readonly #unexplained = new Map<string, string>();
  #same = 0;
  #accepted = 0;

  /** `elsewhere`: differences that may occur here too, and that another test has to show. */
  constructor(disagreements: readonly Disagreement<Input>[], elsewhere: readonly Disagreement<Input>[] = []) {
    this.#disagreements = disagreements;
    this.#elsewhere = elsewhere;
  }

  add(input: Input, ours: Outcome, theirs: Outcome): void {
    const bothRefuse = 'refused' in ours && 'refused' in theirs;
    const sameValue = 'value' in ours && 'value' in theirs && ours.value === theirs.value;
    if (sameValue) this.#accepted += 1;
    if (bothRefuse || sameValue) {
      this.#same += 1;
      return;
    }
    const why = [...this.#disagreements, ...this.#elsewhere].find((candidate) =>
      candidate.explains({ input, ours, theirs }),
    );
    if (why === undefined) this.#unexplained.set(`ours: ${reasonOf(ours)} | theirs: ${reasonOf(theirs)}`, shown(input));
    else this.#seen.set(why.id, (this.#seen.get(why.id) ?? 0) + 1);
  }

  /** Every difference must be documented, every documented one occur, and inputs be good as well as bad; says what was seen. */
  finish(): string {
    const unexplained = [...this.#unexplained].map(([reasons, input]) => `${reasons} | for ${input}`);
    assert.deepEqual(unexplained.slice(0, MAX_SHOWN), [], 'undocumented differences');
    const unused = this.#disagreements.filter(({ id }) => !this.#seen.has(id)).map(({ id }) => id);
    assert.deepEqual(unused, [], 'documented differences that no input shows any more');
    assert.ok(this.#accepted > 0, 'some input is accepted by both');
    const seen = [...this.#seen].map(([id, count]) => `${id} ${count}`).join(', ');
    return `${this.#same} agreed, of these ${this.#accepted} accepted by both; ${seen === '' ? 'no differences' : seen}`;
  }
}

function reasonOf(outcome: Outcome): string {
  return 'refused' in outcome ? outcome.refused : 'accepted';
}

/** As a line, cut. */
function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 400);
}
