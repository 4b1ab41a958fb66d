import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { createTestDatabase } from '../support/database.ts';

test('orders, automations and the summary are shown and run from the command line', async ({ expect }) => {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-cli-'));
  const database = await createTestDatabase();
  onTestFinished(async () => {
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  });
  await writeFile(join(dir, 'script.yaml'), 'replies: [{ text: Nothing. }]\n');
  await writeFile(
    join(dir, 'shipmate.yaml'),
    `model: scripted:${join(dir, 'script.yaml')}
orders: { bugs: { labels: [bug], perDay: 2 }, off: { paused: true } }
repositories: { web: { path: ${dir} } }
automations: { nightly: { cron: "0 6 * * *", timezone: Europe/Berlin, template: update-dependencies, assign: false } }
`,
  );
  const env = { PATH: process.env.PATH, HOME: dir, DATABASE_URL: database.url };
  async function shipmate(...args: string[]): Promise<string> {
    const said: string[] = [];
    const out = { write: (text: string) => said.push(text) } as unknown as NodeJS.WriteStream;
    const code = await createProgram({ cwd: dir, env, stdout: out, stderr: out }).run(args);
    return code === 0 ? said.join('') : `${code}: ${said.join('')}`;
  }
  await database.pool.query(
    `insert into board_tickets (title, description, priority, labels, fields, state)
     values ('It breaks', '', 'low', '{bug}', '{}', 'Todo')`,
  );
  expect(await shipmate('orders', 'run', 'bugs', '--dry-run')).toBe('bugs would take BOARD-1 It breaks\n');
  expect(await shipmate('orders', 'run', 'off')).toContain('off takes nothing now: paused (orders.off.paused).');
  expect(await shipmate('orders', 'run', 'bugs')).toBe('Took BOARD-1 It breaks\n');
  const shown = await shipmate('orders');
  expect(shown).toMatch(/bugs.* 1 of 2 today, 0\.00 of 20 USD/);
  expect(shown).toMatch(/BOARD-1 +active/);
  expect(shown).toContain(`what scripted:${join(dir, 'script.yaml')} costs is not known, so its money stops nothing`);
  expect(await shipmate('orders', 'run', 'gone')).toMatch(/^1: There is no standing order "gone"\. .* orders` shows/);
  expect(await shipmate('automations', 'run', 'nightly')).toBe('Filed BOARD-2.\n');
  expect(await shipmate('automations', 'pause', 'nightly')).toBe('nightly is paused.\n');
  expect(await shipmate('automations', 'list')).toMatch(/nightly.*paused: by a person\n.*BOARD-2 +filed/s);
  expect(await shipmate('automations', 'resume', 'nightly')).toBe('nightly goes on.\n');
  expect(await shipmate('summary')).toMatch(
    /- nightly: BOARD-2 "Tidy dependencies.*": filed\n[\s\S]*- bugs: BOARD-1 "It breaks": at work/,
  );
});
