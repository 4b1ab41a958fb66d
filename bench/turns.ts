import { median, ms, type Row } from './figures.ts';
import { startBenchService, until } from './service.ts';

const turns = 70; // below the default budget
const end =
  '  - calls: [{ tool: finish, input: { title: Nothing, summary: Nothing, answer: Nothing is to be done. } }]\n';

/** What the service itself adds to a turn: from the last byte of a reply to the first of the next request. */
export async function benchTurns(): Promise<Row[]> {
  const plan = '{ tool: update_plan, input: { steps: [{ content: Look, status: inProgress }] } }';
  const read = '{ tool: read, input: { path: package.json } }';
  return [
    {
      figure: 'overhead per turn (a tool that only answers)',
      goal: '10 ms',
      value: ms(median(await gaps(plan))),
    },
    { figure: 'a turn that reads a file in the sandbox', goal: 'reported', value: ms(median(await gaps(read))) },
  ];
}

async function gaps(call: string): Promise<number[]> {
  const service = await startBenchService({
    slots: 1,
    script: `replies:\n${`  - calls: [${call}]\n`.repeat(turns)}${end}`,
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
    return found.slice(30);
  } finally {
    await service.stop();
  }
}
