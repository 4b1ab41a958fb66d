import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Cli } from './program.ts';

/** Whether somebody sits there who can be asked. */
export function canAsk({ surroundings: { stdin, stderr } }: Cli): boolean {
  return stdin?.isTTY === true && stderr.isTTY === true;
}

/** One of these letters; asked again until it is one. `whenGone`: where nobody answers any more (end of input). */
export async function askLetter<Letter extends string>(
  cli: Cli,
  question: string,
  letters: readonly Letter[],
  whenGone: Letter,
): Promise<Letter> {
  const { stdin, stderr } = cli.surroundings;
  if (!stdin) return whenGone;
  // Not as a terminal: that would take Ctrl-C for itself.
  const reader = createInterface({ input: stdin, output: stderr, terminal: false });
  try {
    const gone = new Promise<null>((resolve) => reader.once('close', () => resolve(null)));
    for (;;) {
      const answer = await Promise.race([reader.question(question, { signal: cli.signal }), gone]);
      if (answer === null) return whenGone;
      const letter = letters.find((each) => each === answer.trim().slice(0, 1).toLowerCase());
      if (letter !== undefined) return letter;
    }
  } finally {
    reader.close();
  }
}

/** A line that is not shown while it is typed; of a pipe, its first line. '' where there is none. */
export async function askSecret(cli: Cli, question: string): Promise<string> {
  const { stdin, stderr } = cli.surroundings;
  if (!stdin) return '';
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: stdin, output: silent, terminal: stdin.isTTY === true });
  reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT')); // a raw terminal makes no signal of Ctrl-C
  if (stdin.isTTY) stderr.write(question);
  try {
    const gone = new Promise<string>((resolve) => reader.once('close', () => resolve('')));
    const line = await Promise.race([reader.question('', { signal: cli.signal }), gone]);
    return line.trim();
  } finally {
    reader.close();
    if (stdin.isTTY) stderr.write('\n');
  }
}
