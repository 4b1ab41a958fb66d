import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionView } from '../../src/app.ts';
import type { Ticket, TicketHint } from '../../src/core/ticket.ts';
import type { ToolServerSettings } from '../../src/core/tool-server.ts';
import { branchCommit, git } from '../stand-ins/github/git.ts';
import { type GitHubService, startGitHubService } from '../support/github-service.ts';
import { startDoomed } from '../support/killed-at.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { pngOf } from '../tools/make-png.ts';

const tools = resolve(import.meta.dirname, '../tools');
const { signal } = new AbortController();
const red = '<body bgcolor=red>';
const green = '<body bgcolor=green>';
const files = { 'page.html': red, '.shipmate.yml': `verify: ['grep -q body page.html']\n` };

const hashOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex').slice(0, 8);
const kept = (page: string) => `camera/screenshot-${hashOf(pngOf(page))}.png`;
const fileOf = (page: string, name: string) => `${name}-${hashOf(pngOf(page))}.png`;
const shots = [
  `{ image: ${kept(red)}, shows: before, of: 'the | "page"' }`,
  `{ image: ${kept(green)}, shows: after, of: 'the | "page"' }`,
].join(', ');

const look = `
    - calls: [{ tool: camera_screenshot }]
    - expect: ["[image: image/png, ${pngOf(red).length} bytes]"]
      calls: [{ tool: write, input: { path: page.html, content: "${green}" } }]
    - calls: [{ tool: camera_screenshot }]`;
const finish = (named: string) =>
  `calls: [{ tool: finish, input: { title: Green, summary: It is green, screenshots: [${named}] } }]`;

const script = `
tickets:
  Paint it:${look}
    - expect: ["[image: image/png, ${pngOf(green).length} bytes]"]
      ${finish('{ image: camera/nothing.png, shows: after, of: x }')}
    - expect: ['There is no image "camera/nothing.png". Kept are: ${kept(red)}, ${kept(green)}']
      ${finish(shots)}
  Bad pictures:
    - calls: [{ tool: camera_garbage }, { tool: camera_heavy }, { tool: camera_leak }]
    - expect: ["28 characters of base64, not shown", "3.8 MB: more than the 3.5 MB that are kept", "it holds what this server was given"]
      calls: [{ tool: camera_hundred }, { tool: camera_webp }]
    - expect: ["[image: image/webp, 16 bytes]"]
      calls: [{ tool: camera_huge }]
    - expect: ["it wrote more than 8 MB"]
      calls: [{ tool: write, input: { path: page.html, content: "${green}" } }]
    - ${finish(`{ image: camera/webp-${hashOf(Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1'))}.webp, shows: after, of: x }`)}
    - expect: ["is image/webp. Take it as PNG or JPEG."]
      ${finish('')}
`;

const camera: ToolServerSettings = {
  name: 'camera',
  at: {
    ...{ command: 'node', args: [join(tools, 'camera-server.ts')], env: { KEY: 'the-key-that-it-got' } },
    ...{ hosts: [], paths: [tools], workspace: true },
  },
  ...{ tools: ['screenshot', 'garbage', 'heavy', 'huge', 'hundred', 'leak', 'webp'], write: [] },
  ...{ repositories: [], teams: [], secrets: ['the-key-that-it-got'], callMs: 20_000, maxBytes: 8_000_000 },
};
const options = { script, files, change: <C extends object>(config: C): C => ({ ...config, toolServers: [camera] }) };

async function ticketOf({ app }: TestService, { ticket }: SessionView): Promise<Ticket> {
  const tracker = app.trackers.get('board');
  if (!tracker) throw new Error('There is no board.');
  return tracker.readTicket({ id: ticket.identifier, tracker: 'board' } as TicketHint, signal);
}

const lastWord = ({ activities }: SessionView) => {
  const last = activities.findLast(({ activity }) => activity.type === 'response')?.activity;
  return last && 'body' in last ? last.body : '';
};

/** Both are on the ticket and on a branch of nothing else, once. */
async function expectBoth(service: TestService, view: SessionView): Promise<void> {
  expect([view.state, view.unsent]).toEqual(['complete', []]);
  const names = [fileOf(red, '1-before'), fileOf(green, '2-after')];
  const { attachments } = await ticketOf(service, view);
  expect(attachments.map(({ name, mediaType }) => [name, mediaType])).toEqual(names.map((name) => [name, 'image/png']));
  const hint = { id: view.ticket.identifier, tracker: 'board' } as TicketHint;
  const content = await service.app.trackers.get('board')?.readAttachment(hint, attachments[1]?.id ?? '', signal);
  expect(Buffer.from(content ?? []).equals(pngOf(green))).toBe(true);

  const branch = `${view.branch}-screenshots`;
  expect(await service.git('rev-list', '--count', branch)).toBe('1');
  expect((await service.git('ls-tree', '-r', '--name-only', branch)).split('\n')).toEqual(names);
  const sizes = await service.git('cat-file', '-s', `${branch}:${names[0]}`);
  expect(Number(sizes)).toBe(pngOf(red).length);
}

describe('pictures of a page before and after', () => {
  let service: TestService;
  beforeAll(async () => {
    const parts = ['listen', 'worker'] as const;
    service = await startTestService({
      ...options,
      parts: [...parts],
      change: (config) => ({
        ...options.change(config),
        http: { ...config.http, publicUrl: 'https://mate.example.com/' },
      }),
    });
  });
  afterAll(() => service?.stop());

  test('are in the pull request, on the ticket and on the page of the session', async () => {
    const view = await service.work({ title: 'Paint it' });
    await expectBoth(service, view);
    const { rows } = await service.database.pool.query('select body from local_git_pull_requests');
    expect(rows[0]?.body).toContain(
      '## Screenshots\n\nthe \\| "page":\n\n| Before | After |\n|---|---|\n' +
        `| \`${fileOf(red, '1-before')}\` on \`${view.branch}-screenshots\` | \`${fileOf(green, '2-after')}\` on \`${view.branch}-screenshots\` |`,
    );
    expect(lastWord(view)).toContain(
      `Screenshots on the branch \`${view.branch}-screenshots\`: before: the "page" (\`${fileOf(red, '1-before')}\`) · after:`,
    );

    const page = (await service.app.sessions.view(view.ticket.identifier))?.page ?? '';
    const at = page.replace('https://mate.example.com', service.url ?? '');
    const shown = await (await fetch(at)).text();
    const images = [...shown.matchAll(/<img src="([^"]+)" alt="([^"]+)"/g)].map(([, src, alt]) => [src, alt]);
    expect(images.map(([, alt]) => alt)).toEqual(['before: the | &quot;page&quot;', 'after: the | &quot;page&quot;']);
    const [src = ''] = images[0] ?? [];
    const image = await fetch(new URL(src.replaceAll('&amp;', '&'), at));
    expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(Buffer.from(await image.arrayBuffer()).equals(pngOf(red))).toBe(true);
    const other = await fetch(new URL(src, at).href.replace(/[^/]+\/image/, 'not-its-key/image'));
    expect(other.status).toBe(404);
    expect((await fetch(new URL(src.replace(/path=.*/, 'path=nothing'), at))).status).toBe(404);
  });

  test('that are none, too large, too many, or hold a secret are not kept, and the session goes on', async () => {
    const view = await service.work({ title: 'Bad pictures' });
    expect(view.runs[0]?.outcome?.message).toBe('It is green');
    const images = view.evidence.filter((item) => item.type === 'file');
    expect(images.map(({ mediaType }) => mediaType).toSorted()).toEqual([
      ...Array.from({ length: 4 }, () => 'image/png'),
      'image/webp',
    ]);
    expect((await ticketOf(service, view)).attachments).toEqual([]);
  });
});

test.for(['pushEvidence/after', 'attachFile/after'])('killed at %s: each is there once', async (moment) => {
  const service = await startTestService({ ...options, parts: [] });
  const { command, args, paths } = camera.at as { command: string; args: string[]; paths: string[] };
  const server = { command, args, paths, workspace: true, tools: ['screenshot'] };
  const doomed = await startDoomed(service, `effect/${moment}`, [
    'policy: { scope: { before: false } }',
    `toolServers: { camera: ${JSON.stringify(server)} }`,
  ]);
  try {
    const working = service.work({ title: 'Paint it' });
    expect(await doomed.ended).toEqual([null, 'SIGKILL']);
    await service.app.startWeb(false);
    await service.app.startWorking();
    await expectBoth(service, await working);
  } finally {
    await doomed.end();
    await service.stop();
  }
});

describe('on GitHub', () => {
  let service: GitHubService;
  beforeAll(async () => {
    service = await startGitHubService({ ...options, files: {}, code: files });
  });
  afterAll(() => service?.stop());

  test('the pull request shows them by permalinks, and the ticket links to them', async () => {
    const view = await service.work({ title: 'Paint it' });
    expect([view.state, view.unsent]).toEqual(['complete', []]);
    const branch = `${view.branch}-screenshots`;
    const commit = await branchCommit(service.remote.dir, branch);
    const url = (name: string) => `${service.github.url}/acme/app/blob/${commit}/${name}?raw=true`;
    const [before, after] = [url(fileOf(red, '1-before')), url(fileOf(green, '2-after'))];
    const [request] = service.requests();
    expect(request?.body).toContain(`| ![before: the "page"](${before}) | ![after: the "page"](${after}) |`);
    // The last word is said when the checks are green.
    const said = async () => lastWord((await service.app.sessions.view(view.ticket.identifier)) ?? view);
    await expect
      .poll(said, { timeout: 20_000 })
      .toContain(`Screenshots: [before: the "page"](${before}) · [after: the "page"](${after})`);
    expect(await git(service.remote.dir, ['rev-list', '--count', branch])).toBe('1');
  });
});
