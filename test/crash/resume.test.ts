import { onTestFinished, test } from 'vitest';
import { interruptedText, notReachedText } from '../../src/core/interruption.ts';
import { createTestDatabase } from '../support/database.ts';
import { processesNaming } from '../support/service.ts';
import { frozen, openStage, type Stage } from './stage.ts';

async function stageFor(options: { moves?: boolean; script?: string } = {}): Promise<Stage> {
  const database = await createTestDatabase();
  const stage = await openStage({ databaseUrl: database.url, ...options });
  onTestFinished(async () => {
    await stage.close();
    await database.drop();
  });
  return stage;
}

/** One process dies at a point, another finishes the ticket, on this machine or another. */
async function dieAndGoOn(stage: Stage, point: string, machine: string): Promise<string> {
  const victim = await stage.start({ failpoints: point });
  const ticket = await stage.ticket();
  await victim.ended;
  await stage.noteOpenSteps();
  await stage.start({ machine });
  await stage.done(ticket);
  return ticket;
}

/** What the model read of its calls, by request: the texts of the last message's results. */
function resultsRead(stage: Stage, ticket: string): string[][] {
  return stage
    .asked(ticket)
    .map((messages) =>
      (messages.at(-1)?.content ?? []).flatMap((part) => (part.type === 'tool_result' ? [textOf(part.content)] : [])),
    );
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return (content as { text?: string }[]).map(({ text }) => text ?? '').join('');
}

const nothingWrong = { lost: [], duplicate: [], wrong: [] };
const timeout = 120_000;

test("the model's reply is stored before any of its tools begins", { timeout }, async ({ expect }) => {
  const stage = await stageFor();
  const victim = await stage.start({ failpoints: 'step/tool/before:kill' });
  await stage.ticket();
  await victim.ended;
  const { rows } = await stage.pool.query(
    "select kind, completed_at is not null as completed, result -> 'reply' -> 'calls' -> 0 ->> 'name' as calls from steps",
  );
  expect(rows).toEqual([{ kind: 'model', completed: true, calls: 'update_plan' }]);
});

// Tools are counted from the first: update_plan 1, read 2, bash 3, write 4, bash 5, bash 6, finish 7.
test('a write that was interrupted is undone and said to be; the read beside it is kept', { timeout }, async ({
  expect,
}) => {
  const stage = await stageFor();
  const ticket = await dieAndGoOn(stage, 'step/tool/worked:kill@3', 'machine');
  const [read = '', bash] = resultsRead(stage, ticket).find((texts) => texts.includes(interruptedText)) ?? [];
  expect([read.includes('An app.'), bash]).toEqual([true, interruptedText]);
  expect(await stage.verdict()).toEqual(nothingWrong);
});

test('a read that was interrupted is simply made again', { timeout }, async ({ expect }) => {
  const stage = await stageFor();
  const ticket = await dieAndGoOn(stage, 'step/tool/worked:kill@2', 'machine');
  expect(resultsRead(stage, ticket).flat()).not.toContain(interruptedText);
  expect(await stage.verdict()).toEqual(nothingWrong);
});

test('on the same machine a completed write stands, and the rest of its turn is made', { timeout }, async ({
  expect,
}) => {
  const stage = await stageFor();
  const ticket = await dieAndGoOn(stage, 'step/tool/before:kill@5', 'machine');
  expect(resultsRead(stage, ticket).flat()).not.toContain(interruptedText);
  expect(await stage.verdict()).toEqual(nothingWrong);
});

test('on another machine a completed write that no snapshot holds is said to be undone, and the rest of its turn is not made', {
  timeout,
}, async ({ expect }) => {
  const stage = await stageFor({ moves: true });
  const ticket = await dieAndGoOn(stage, 'step/tool/before:kill@5', 'elsewhere');
  expect(resultsRead(stage, ticket)).toContainEqual([interruptedText, notReachedText]);
  expect(await stage.verdict()).toEqual(nothingWrong);
});

test('another machine goes on from the stored snapshot, and the first one never again from its old copy', {
  timeout,
}, async ({ expect }) => {
  const stage = await stageFor({ moves: true });
  const first = await stage.start({ failpoints: 'step/tool/before:kill@4', machine: 'here' });
  const ticket = await stage.ticket();
  await first.ended;
  await stage.noteOpenSteps();
  const second = await stage.start({ failpoints: 'step/model/mid:kill@2', machine: 'there' });
  await second.ended;
  await stage.noteOpenSteps();
  await stage.start({ machine: 'here' });
  await stage.done(ticket);
  expect(await stage.verdict()).toEqual(nothingWrong);
});

const sleeping = `
replies:
  - { calls: [{ tool: bash, input: { command: "sleep 98765", timeout: 600 } }] }
`;

test('what a frozen worker had running is dead soon after it wakes and was taken over (how soon is printed)', {
  timeout,
}, async ({ expect }) => {
  const stage = await stageFor({ script: sleeping });
  const running = () => processesNaming('sleep 98765');
  const victim = await stage.start();
  await stage.ticket();
  await expect.poll(running, { timeout: 60_000 }).not.toEqual([]);
  victim.kill('SIGSTOP');
  await frozen(victim);
  const attempt = async () => (await stage.pool.query('select max(attempt) as attempt from runs')).rows[0].attempt;
  const web = await stage.start({ machine: 'elsewhere', failpoints: 'run/claimed:stop' });
  await expect.poll(attempt, { timeout: 60_000 }).toBe(2);
  await frozen(web); // it has the run and does nothing with it, so whatever sleeps is the first one's
  expect(await running()).not.toEqual([]);
  victim.kill('SIGCONT');
  const woke = performance.now();
  await expect.poll(running, { timeout: 30_000 }).toEqual([]);
  console.log(`dead ${Math.round(performance.now() - woke)} ms after SIGCONT; 5 s is the goal`);
  web.kill();
});
