import { afterAll, beforeAll, describe, test } from 'vitest';
import { lasting } from '../../src/core/activity.ts';
import { sessionUrl } from '../../src/core/session-link.ts';
import { createPages } from '../../src/store/link-keys.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const evil = '<script>alert(1)</script>"><img src=x onerror=alert(2)>';
const script = `
price: { input: 2, output: 10 }
tickets:
  Is finished:
    - calls:
        - tool: update_plan
          input:
            steps:
              - { content: 'Write ${evil}', status: completed }
              - { content: Look at it, status: inProgress }
        - { tool: note, input: { text: 'I **looked** at [it](javascript:alert(3)), see https://example.com/?a=1&b=2. ${evil}' } }
        - { tool: write, input: { path: two.txt, content: "two\\n" } }
    - calls: [{ tool: finish, input: { title: Add two, summary: Two was wanted., decisions: ['Not three: ${evil}'] } }]
  Asks:
    - calls: [{ tool: ask, input: { question: 'Which zone? ${evil}', options: [UTC, '<b>Local</b>'] } }]
  Takes long:
    - { until: let-go, calls: [{ tool: finish, input: { title: t, summary: s, answer: Done. } }] }
`;

describe('the page of a session', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({
      script,
      parts: ['listen', 'worker'],
      files: { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' },
      change: (config) => ({ ...config, http: { ...config.http, publicUrl: 'https://mate.example.com/' } }),
    });
  });
  afterAll(() => service?.stop());

  async function open(path: string, init: RequestInit = {}) {
    const response = await fetch(`${service.url}${path}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async function pathOf(identifier: string): Promise<string> {
    const page = (await service.app.sessions.view(identifier))?.page ?? '';
    return page.replace('https://mate.example.com', '');
  }

  test('tells what it was about, what was done, what it cost and how to go on; all of it as text', async ({
    expect,
  }) => {
    const { ticket, pullRequest } = await service.work({ title: `Is finished ${evil}` });
    const path = await pathOf(ticket.identifier);
    expect(path).toMatch(/^\/sessions\/BOARD-\d+\/[\w-]{64}$/);
    const { status, headers, text } = await open(path);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);

    const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img src=x onerror=alert(2)&gt;';
    expect(text).toContain(`<h1>Is finished ${escaped}</h1>`);
    expect(text).toContain('<span class="state complete">Finished</span>');
    expect(text).toContain('2 of 2 done');
    expect(text).toContain(`<span>Write ${escaped}</span>`);
    expect(text).toContain('<strong>looked</strong> at it, see <a href="https://example.com/?a=1&amp;b=2"');
    expect(text).toContain(`Not three: ${escaped}`);
    expect(text).toContain(`#${pullRequest?.number}`);
    expect(text).toMatch(/<code>test -s one\.txt<\/code>[\s\S]*?passed \(exit code 0\)<\/span> · \d+\.\d\u00a0s/);
    expect(text).toMatch(/Money<\/th><td>\$0\.\d+ of \$20\.00/);
    expect(text).toMatch(/Turns<\/th><td>2 of 300/);
    expect(text).toContain('write on the ticket what it is, or “continue”');
    expect(text).not.toMatch(/<(script|img|iframe|object|form|link)\b|http-equiv|javascript:/i);
    expect(text).not.toMatch(/<[^>]*\son\w+=/);
  });

  test('may run, fetch and frame nothing, tells nobody its address, and is not kept', async ({ expect }) => {
    const { headers, text } = await open(await pathOf('BOARD-1'));
    const policy = headers.get('content-security-policy') ?? '';
    const [, css = ''] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(css));
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      "img-src 'self'",
      `style-src 'sha256-${Buffer.from(hash).toString('base64')}'`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex, nofollow',
    });
    expect(text).toContain('<meta name="robots" content="noindex, nofollow">');
    expect(text).not.toMatch(/\sstyle=/);
  });

  test('a wrong key, the key of another ticket and an unknown ticket are one and the same 404', async ({ expect }) => {
    const path = await pathOf('BOARD-1');
    const { urlOf } = createPages(service.app.db, 'https://shipmate.example');
    const nobody = { id: '00000000-0000-4000-8000-000000000000', identifier: 'BOARD-1' };
    const wrong = [
      path.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      path.replace('BOARD-1', 'BOARD-999'),
      path.slice(0, -1),
      `${path}A`,
      new URL((await urlOf?.(nobody)) ?? '').pathname,
      sessionUrl('', 'another secret', nobody),
      '/sessions/BOARD-999/x',
      '/sessions/BOARD-1/%00',
    ];
    const answers = await Promise.all(wrong.map((each) => open(each)));
    expect(answers.map(({ status }) => status)).toEqual(wrong.map(() => 404));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.headers.get('cache-control')).toBe('no-store');
    expect((await open(path.replace('BOARD-1', 'board-1'))).status).toBe(200);
    expect((await open(path, { method: 'POST' })).status).toBe(404);
    expect(await open('/sessions/%zz/x')).toMatchObject({
      status: 400,
      text: expect.not.stringContaining('node_modules'),
    });
  });

  test('one that waits says for what, and what was offered; an identifier that it had before still leads there', async ({
    expect,
  }) => {
    const { ticket } = await service.work({ title: 'Asks' });
    const path = await pathOf(ticket.identifier);
    const { text } = await open(path);
    expect(text).toContain('<span class="state awaitingInput">Waiting for an answer</span>');
    expect(text).toMatch(/<p>It asks: Which zone\?[^<]*<\/p>/);
    expect(text).toContain('Answers that were offered: UTC · &lt;b&gt;Local&lt;/b&gt;');
    expect(text).toContain('Answer on the ticket, and it goes on.');
    expect(text).not.toContain('http-equiv');

    const rename = (from: string, to: string) =>
      service.database.pool.query('update tickets set identifier = $2 where identifier = $1', [from, to]);
    await rename(ticket.identifier, 'MOVED-7');
    const both = [path, path.replace(ticket.identifier, 'MOVED-7')];
    expect(await Promise.all(both.map(async (each) => (await open(each)).status))).toEqual([200, 200]);
    await rename('MOVED-7', ticket.identifier);
  });

  test('of very many entries it shows the newest that stay on the ticket, and how many are before them', async ({
    expect,
  }) => {
    const { id, ticket } = await service.work({ title: 'Asks' });
    const plant = (from: number, to: number, activity: string, awaits = false) =>
      service.database.pool.query(
        `insert into activities (id, session_id, activity, awaits_link)
         select gen_random_uuid(), $1, replace($4, '#', n::text)::json, $5 from generate_series($2::int, $3::int) as n`,
        [id, from, to, activity, awaits],
      );
    const kept = '{"type":"thought","body":"entry #."}';
    const passing = '{"type":"thought","body":"passing #.","ephemeral":true}';
    await plant(1, 250, kept);
    await plant(1, 300, passing);
    await plant(251, 260, kept);
    await plant(301, 301, passing);
    // Beside the entries that are planted, there is what its run said.
    const own = lasting((await service.app.sessions.view(ticket.identifier))?.activities ?? []).length - 261;
    expect(own).toBeGreaterThan(0);
    const read = async () => {
      const { text } = await open(await pathOf(ticket.identifier));
      const shown = [...text.matchAll(/(entry|passing) (\d+)\./g)].map(([, kind, number]) => `${kind} ${number}`);
      return { shown, left: /(\d+) earlier entries not shown/.exec(text)?.[1] };
    };
    const newest = Array.from({ length: 199 }, (_, index) => `entry ${62 + index}`);
    // Of what passes, only the last still stands there.
    expect(await read()).toEqual({ shown: [...newest, 'passing 301'], left: String(61 + own) });
    await plant(1, 1, '{"type":"response","body":"{link}"}', true);
    await plant(302, 302, kept);
    expect((await read()).shown.at(-1), 'what has no link yet, and all behind it, is not shown').toBe('passing 301');
  });

  test('only one that is at work is loaded anew by itself', async ({ expect }) => {
    const { app } = service;
    const { identifier } = await app.desk.createTicket({ title: 'Takes long', assignee: 'shipmate' }, someone);
    const isBegun = async () => (await app.sessions.view(identifier))?.runs[0]?.startedAt instanceof Date;
    await expect.poll(isBegun).toBe(true);
    const path = await pathOf(identifier);
    const { text } = await open(path);
    expect(text).toContain('<meta http-equiv="refresh" content="15">');
    expect(text).toContain('<span class="state active">At work</span>');
    expect(text).toContain('To stop it, write “stop” on the ticket');
    await service.letGo('let-go');
    await service.rest(identifier);
    expect((await open(path)).text).not.toContain('http-equiv');
  });
});
