import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Capture, CaptureResult } from '../../mcp-servers/tickets/capture.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createRecordingDesk, type RecordingDesk } from '../mcp-servers/tickets/recording-desk.ts';
import { startTicketsService, type TicketsService, token } from '../mcp-servers/tickets/tickets-service.ts';
import { compileCache } from '../support/compile-cache.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
// Spelled in parts, so that nobody's scanner takes this file for a leak.
const secret = ['ghp', 'a1b2c3d4'.repeat(5)].join('_');

let dir: string;
let clone: string;
let home: string;
let record: RecordingDesk;
let service: TicketsService;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'shipmate-ticket-'));
  clone = join(dir, 'shop');
  mkdirSync(join(clone, 'src'), { recursive: true });
  writeFileSync(join(clone, 'src/dates.ts'), `export const one = 1;\nexport const key = '${secret}';\n`);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', clone, '-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'Begin');
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

beforeEach(async () => {
  home = mkdtempSync(join(dir, 'home-'));
  record = createRecordingDesk();
  service = await startTicketsService(record.desk);
});

afterEach(() => service.close());

interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

const environment = (own: Record<string, string> = { SHIPMATE_URL: service.url, SHIPMATE_TOKEN: token }) => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  ...own,
});

/** In this process. `typed`: what somebody at a terminal types, or null where it is none; then `piped` comes in. */
async function shipmate(
  args: string[],
  { cwd = clone, env = environment(), typed = null as string | null, piped = '' } = {},
): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') => {
    const stream = new PassThrough({ encoding: 'utf8' });
    stream.on('data', (text: string) => {
      said[name] += text;
      if (name === 'stderr' && typed !== null && text.includes('[q]uit')) stdin.write(`${typed}\n`);
    });
    return Object.assign(stream, { isTTY: typed !== null }) as unknown as NodeJS.WriteStream;
  };
  const stdin = Object.assign(new PassThrough(), { isTTY: typed !== null }) as unknown as NodeJS.ReadStream &
    PassThrough;
  if (typed === null) stdin.end(piped);
  const code = await createProgram({ cwd, env, stdout: into('stdout'), stderr: into('stderr'), stdin }).run(args);
  return { code, ...said };
}

/** In a process of its own. */
function start(args: string[], env = environment()) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: clone,
    env: { ...env, NODE_COMPILE_CACHE: compileCache },
  });
  const said: Said = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (said.stdout += text));
  child.stderr.on('data', (text) => (said.stderr += text));
  return { child, ended: once(child, 'close').then(([code]) => ({ ...said, code: code as number | null })) };
}

const spooled = () => join(home, '.local/state/shipmate/spool');
const kept = async () =>
  JSON.parse((await shipmate(['ticket', '--kept', '--json'])).stdout) as { capture: Capture; state: string }[];
const sent = () => record.calls.filter(([name]) => name === 'makeTicket').map(([, capture]) => capture as Capture);
const filed = () => [...record.filed.values()];
const away = () => {
  service.trouble = (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
};

/** Until somebody says what to do, the first ticket is like the capture. */
function findsDuplicate(why: 'error' | 'title'): void {
  const file = record.desk.makeTicket;
  record.desk.makeTicket = async (capture, signal): Promise<CaptureResult> => {
    const ticket = { identifier: 'ENG-3', title: 'Dates', url: 'https://board.test/ENG-3' };
    if (capture.addTo)
      return { status: 'added', tickets: [{ ...ticket, isAssigned: false }], duplicates: [], notes: [] };
    if (capture.anyway) return file(capture, signal);
    return {
      status: 'duplicates',
      duplicates: [{ ...ticket, state: 'Todo', why, isLikely: true }],
      drafts: [],
      notes: [],
    };
  };
}

test('from a failing command to the URL: what is found out goes with it, no secret does', async () => {
  const { child, ended } = start([
    ...['ticket', 'API returns inconsistent dates', '--at', 'src/dates.ts#L1-L2', '--error', '-', '--exit-code', '1'],
    ...['--command', `TOKEN=${secret} npm test`, '--label', 'api', '--label', 'dates', '--criterion', 'ISO everywhere'],
  ]);
  for (let part = 0; part < 50; part += 1) child.stdin.write('all is well\n'.repeat(9_000)); // more than 5 MB
  child.stdin.end(`TypeError: no date, token=${secret}\n    at f (${clone}/src/dates.ts:2:1)\n`);
  const { code, stdout, stderr } = await ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'https://board.test/SHOP-1\n' });
  expect(stderr).toBe('SHOP-1 API returns inconsistent dates · the agent has it\n');
  const [capture] = filed();
  expect(capture).toMatchObject({
    client: 'shell',
    labels: ['api', 'dates'],
    criteria: ['ISO everywhere'],
    places: [
      { path: 'src/dates.ts', from: 1, to: 2, snippet: "export const one = 1;\nexport const key = '[redacted]';" },
    ],
    checkout: { branch: 'main', commits: [{ subject: 'Begin' }] },
    error: { exitCode: 1, command: 'TOKEN=[redacted] npm test', output: expect.stringContaining('TypeError: no date') },
  });
  expect(JSON.stringify(capture)).not.toContain(secret);
  expect(readdirSync(spooled()).filter((name) => name.endsWith('.json'))).toEqual([]);
});

test('the same command twice within a second files one ticket', async () => {
  const both = await Promise.all([shipmate(['ticket', 'Twice']), shipmate(['ticket', 'Twice'])]);
  expect(both.map(({ stdout }) => stdout)).toEqual(['https://board.test/SHOP-1\n', 'https://board.test/SHOP-1\n']);
  expect(filed()).toHaveLength(1);
});

test.each([
  ['y', 'https://board.test/ENG-3\n', 'Added to ENG-3', []],
  ['n', 'https://board.test/SHOP-1\n', 'SHOP-1 Dates', []],
  ['q', '', 'Nothing was filed. It is kept', ['asked']],
])('at a terminal, a likely duplicate is asked about: %s', async (typed, stdout, says, states) => {
  findsDuplicate('error');
  const said = await shipmate(['ticket', 'Dates'], { typed });
  expect(said.stderr).toContain('ENG-3 has the same error. Add to it? [y]es / [n]ew / [q]uit ');
  expect(said).toMatchObject({ code: 0, stdout, stderr: expect.stringContaining(says) });
  expect((await kept()).map(({ state }) => state)).toEqual(states);
});

test('where nobody can be asked, the same error is added, anything else filed', async () => {
  findsDuplicate('error');
  expect((await shipmate(['ticket', 'Dates'])).stdout).toBe('https://board.test/ENG-3\n');
  findsDuplicate('title');
  expect((await shipmate(['ticket', 'Other dates'])).stdout).toBe('https://board.test/SHOP-1\n');
  expect(await kept()).toEqual([]);
});

test('what was left open is sent again, or dropped', async () => {
  findsDuplicate('error');
  for (const title of ['One', 'Two']) await shipmate(['ticket', title], { typed: 'q' });
  const [one, two] = await kept();
  const id = one?.capture.id ?? '';
  expect((await shipmate(['ticket', '--again', id, '--new'])).stdout).toBe('https://board.test/SHOP-1\n');
  expect(filed()[0]?.id).toBe(id);
  expect((await shipmate(['ticket', '--drop', two?.capture.id ?? ''])).stderr).toBe('Forgotten: Two\n');
  expect(await kept()).toEqual([]);
  expect(await shipmate(['ticket', '--drop', id])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('None of those kept'),
  });
});

test('the service is away: it is kept, filed in the background when it is back, and said so once', async () => {
  away();
  const lost = await start(['ticket', 'While it is away']).ended;
  expect(lost).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('filed by itself') });
  expect((await kept()).map(({ state }) => state)).toEqual(['waiting']);
  service.trouble = null;
  await expect.poll(filed, { timeout: 30_000 }).toHaveLength(1);
  await expect
    .poll(() => readdirSync(spooled()).filter((name) => name.endsWith('.lock')), { timeout: 30_000 })
    .toEqual([]);
  const news = 'Filed meanwhile: "While it is away": SHOP-1 https://board.test/SHOP-1\n';
  expect((await shipmate(['ticket', 'Next'])).stderr).toContain(news);
  expect((await shipmate(['ticket', 'After that'])).stderr).not.toContain('meanwhile');
}, 90_000);

test('the next command sends what waits, and says so', async () => {
  away();
  await shipmate(['ticket', 'First', '--no-background']);
  service.trouble = null;
  const { stdout, stderr } = await shipmate(['ticket', 'Second']);
  expect(stdout).toBe('https://board.test/SHOP-1\n');
  expect(stderr).toContain('Filed meanwhile: "First": SHOP-2');
});

test('a token that was revoked: nothing is lost, and logging in anew sends it', async () => {
  const env = environment({ SHIPMATE_URL: service.url, SHIPMATE_TOKEN: 'shp_old' });
  const refused = await shipmate(['ticket', 'Refused'], { env });
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /token was revoked[\s\S]*Nothing is lost: it is kept in .* To send it again: .*ticket --again/,
  );

  const bare = environment({});
  expect(await shipmate(['login', service.url], { env: bare, piped: 'shp_wrong\n' })).toMatchObject({
    code: 1,
    stdout: '',
  });
  const quoted = await shipmate(['login', service.url], { env: bare, piped: '“shp_1”\n' });
  expect(quoted).toMatchObject({ code: 1, stderr: expect.stringContaining('What was given is no token: one is a') });
  expect(readdirSync(home)).not.toContain('.config');
  const login = await shipmate(['login', service.url], { env: bare, piped: `${token}\n` });
  expect(login).toMatchObject({ code: 0, stderr: expect.stringContaining(`You are logged in to ${service.url}.`) });
  expect(login.stderr).toContain('Filed meanwhile: "Refused": SHOP-1');
  expect(login.stdout + login.stderr).not.toContain(token);
  expect((await shipmate(['ticket', 'Now'], { env: bare })).stdout).toBe('https://board.test/SHOP-2\n');
  await shipmate(['logout'], { env: bare });
  expect((await shipmate(['ticket', 'Logged out'], { env: bare })).stderr).toContain('log in to your service');
});

test('no tracker, no repository, a broken configuration: it is kept, and says what to do', async () => {
  const plain = mkdtempSync(join(dir, 'plain-'));
  const env = environment({});
  const lost = await shipmate(['ticket', 'Nowhere to go'], { cwd: plain, env });
  expect(lost).toMatchObject({ code: 0, stdout: '' });
  expect(lost.stderr).toContain('log in to your service (npm run shipmate -- login URL)');
  writeFileSync(join(plain, 'shipmate.yaml'), 'noSuchKey: 1\n');
  expect((await shipmate(['ticket', '--deliver'], { env })).code).toBe(1);
  expect((await shipmate(['ticket', 'Badly configured'], { cwd: plain, env })).stderr).toContain('noSuchKey');
  await shipmate(['ticket', 'Service known'], { cwd: plain });
  expect(filed().map(({ title, checkout }) => [title, checkout])).toEqual([
    ['Service known', null],
    ['Nowhere to go', null],
    ['Badly configured', null],
  ]);
});

test('Ctrl-C while it is sent: it is kept, and said', async () => {
  service.trouble = () => true; // never answers
  const { child, ended } = start(['ticket', 'Interrupted']);
  await expect.poll(() => service.methods.length, { timeout: 30_000 }).toBeGreaterThan(0);
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect([code, stderr]).toEqual([130, expect.stringContaining('It is kept, and filed with the next one.')]);
  expect((await kept()).map(({ capture, state }) => [capture.title, state])).toEqual([['Interrupted', 'waiting']]);
}, 60_000);

test('a dry run prints what would be filed, and keeps nothing', async () => {
  const draft = {
    title: 'Dates',
    description: '## What',
    labels: ['api'],
    priority: 'high' as const,
    team: 'ENG',
    project: null,
  };
  record.result = {
    status: 'shown',
    drafts: [{ ...draft, repository: 'shop', assign: true }],
    duplicates: [],
    notes: ['By its path.'],
  };
  expect(await shipmate(['ticket', 'Dates', '--dry-run'])).toEqual({
    code: 0,
    stdout: 'Dates\nENG · shop · priority high · api · the agent is given it\n\n## What\n\n',
    stderr: 'By its path.\n',
  });
  expect(sent()[0]?.dryRun).toBe(true);
  expect(await kept()).toEqual([]);
});

test('a list is a ticket for each item; the form can be printed', async () => {
  const piped = '# Review\n\n- Dates differ in `src/dates.ts:1`\n- [x] Done\n- Names are long\n';
  expect((await shipmate(['ticket', '--list', '-', '--label', 'review'], { piped })).code).toBe(0);
  const [capture] = filed();
  expect([capture, ...(capture?.also ?? [])].map((each) => [each?.title, each?.labels])).toEqual([
    [expect.stringContaining('Dates differ'), ['review']],
    ['Names are long', ['review']],
  ]);
  expect(capture?.places[0]).toMatchObject({ path: 'src/dates.ts', snippet: 'export const one = 1;' });
  expect((await shipmate(['ticket', '--template'])).stdout).toContain('{{what}}');
});

test.each([
  [[], 'Say in one line what it is about: npm run shipmate -- ticket "'],
  [['x'.repeat(301)], 'title: '],
  [['T', '--exit-code', 'one'], '--exit-code takes a whole number'],
  [['T', '--error', 'no-such-file'], '--error no-such-file cannot be read'],
  [['T', '--priority', 'soon'], 'Allowed choices are'],
])('ticket %j is refused with what to do', async (args, says) => {
  const { code, stdout, stderr } = await shipmate(['ticket', ...args]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(says);
  expect(record.calls).toEqual([]);
});
