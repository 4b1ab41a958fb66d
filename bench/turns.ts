import { median, ms, type Row } from './figures.ts';
import { startBenchService, until } from './service.ts';

// Below 25, from which on turns that bring nothing new are taken for a circle; for that each call differs from the last, too.
const turns = 24;
const end =
  '  - calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: Nothing is to be done. } }]\n';

/** What the service itself adds to a turn: from the last byte of a reply to the first of the next request. */
export async function benchTurns(): Promise<Row[]> {
  const plan = (n: number) => `{ tool: update_plan, input: { steps: [{ content: Look ${n}, status: inProgress }] } }`;
  const read = (n: number) => `{ tool: read, input: { path: package.json, limit: ${n + 1} } }`;
  return [
    {
      figure: 'overhead per turn (a tool that only answers)',
      goal: '10 ms',
      value: ms(median(await gaps(plan))),
    },
    { figure: 'a turn that reads a file in the sandbox', goal: 'reported', value: ms(median(await gaps(read))) },
  ];
}

async function gaps(call: (n: number) => string): Promise<number[]> {
  const service = await startBenchService({
    slots: 1,
    script: `replies:\n${Array.from({ length: turns }, (_, n) => `  - calls: [${call(n)}]\n`).join('')}${end}`,
  });
  try {
    const ticket = (await service.assign(1))[0]?.identifier ?? '';
    const asked = () => service.requests.filter(({ body }) => body.includes(`Your ticket is ${ticket}:`));
    await until(() => asked().length > turns, 100);
    const requests = asked();
    const found: number[] = [];
    for (const [index, { endedAt }] of requests.entries()) {
      const next = requests[index + 1];
      if (next) found.push(next.at - (await endedAt));
    }
    // The first turns wait for the workspace, and run code that is still cold.
    return found.slice(8);
  } finally {
    await service.stop();
  }
}
