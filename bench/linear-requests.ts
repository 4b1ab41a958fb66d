import { setTimeout as delay } from 'node:timers/promises';
import type { Row } from './figures.ts';
import { startLinearWorld } from './linear-world.ts';
import { rested, startBenchService, until } from './service.ts';

const plan = '{ tool: update_plan, input: { steps: [{ content: Look, status: inProgress }] } }';
const write = (n: number) => `{ tool: write, input: { path: part-${n}.txt, content: "${n}\\n" } }`;

/** Requests of a process, once or every some minutes, however many sessions it has. */
const ofProcess = ['Identity', 'ListTickets', 'POST /oauth/token'];

/** What sessions cost in requests to Linear; the model takes so many seconds for each turn. */
export async function benchLinearRequests(turn: number): Promise<Row[]> {
  const say = (calls: string) => `    - { delay: ${turn * 1000}, calls: [${calls}] }\n`;
  const script = `  Do nothing:
${say(plan)}${say('{ tool: finish, input: { title: Nothing, summary: Nothing, answer: Nothing is to be done. } }')}
  Work for long:
${say(plan)}${Array.from({ length: 28 }, (_, n) => say(write(n))).join('')}${say('{ tool: finish, input: { title: Add parts, summary: They are there. } }')}`;
  const world = await startLinearWorld();
  const service = await startBenchService({ slots: 1, script, env: world.env });
  try {
    const asked: string[] = [];
    const look = async () => void asked.push(...(await world.requests()));
    await until(async () => {
      await look();
      return asked.includes('ListTickets');
    }, 100);
    const start = asked.splice(0);
    const requestsOf = async (title: string) => {
      const [given] = await world.give({ title, count: 1, to: `${service.url}/webhooks/linear` });
      const { identifier = '' } = given ?? {};
      await until(() => service.firstRequestAt(identifier) !== null);
      await delay(turn * 1000);
      await rested(service.app, identifier, 60 * turn * 1000 + 120_000);
      await look();
      return asked.splice(0).filter((name) => !ofProcess.includes(name));
    };
    const nothing = await requestsOf('Do nothing');
    const long = await requestsOf('Work for long');
    return [
      {
        figure: `Linear: requests of a session that does nothing, two turns of ${turn} s`,
        goal: '4',
        value: `${nothing.length}: ${nothing.join(', ')}`,
      },
      {
        figure: `Linear: requests of a session of 30 turns of ${turn} s, with a pull request`,
        goal: '25',
        value: String(long.length),
      },
      {
        figure: 'Linear: requests of the start of a process',
        goal: 'reported',
        value: `${start.length}: ${start.join(', ')}`,
      },
    ];
  } finally {
    await service.stop();
    world.stop();
  }
}
