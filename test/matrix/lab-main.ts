/**
 * The attack lab as a child of whoever runs the system: takes requests over the channel to its parent, one at a time, and ends
 * with it. Its one argument is the state directory of that system.
 */
import { openLab } from './lab.ts';

const lab = openLab(process.argv[2] ?? '');

/** One request; its answer bears the same number. */
interface Request {
  readonly number: number;
  /** An attack's ID; absent: which there are. */
  readonly attack?: string;
}

let turn = Promise.resolve();
process.on('message', (message) => {
  // Ours: by the program that forked this one, of the same checkout.
  const { number, attack } = message as Request;
  turn = turn.then(async () => {
    const answer = await answerTo(attack).catch((error: unknown) => ({ error: messageOf(error) }));
    process.send?.({ number, ...answer });
  });
});

async function answerTo(attack: string | undefined) {
  return { answer: attack === undefined ? lab.list() : await lab.run(attack) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function end(): Promise<void> {
  await lab[Symbol.asyncDispose]();
  process.exit();
}

process.on('disconnect', () => void end());
process.on('SIGTERM', () => void end());
// The terminal's Ctrl-C is for the parent, which ends this program when it is time.
process.on('SIGINT', () => {});
