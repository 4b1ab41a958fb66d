import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { TicketHint } from '../../src/core/ticket.ts';
import type { ToolServerSettings } from '../../src/core/tool-server.ts';
import { parseScript } from '../../src/models/scripted/script.ts';
import { startModelServer } from '../stand-ins/model-server/server.ts';
import { startTestService } from '../support/service.ts';
import { workingDriver } from '../tools/open-sandbox.ts';

/** Debian's; `/usr/bin/chromium` is a script that wants its /etc. */
const chromium = '/usr/lib/chromium/chromium';
const modules = resolve(import.meta.dirname, '../../node_modules');

const absent = existsSync(chromium)
  ? (await workingDriver()) === 'bubblewrap'
    ? null
    : 'bubblewrap does not work here'
  : 'there is no chromium: apt-get install chromium';
if (absent !== null) process.stderr.write(`no real browser takes a screenshot: ${absent}\n`);

const page = (colour: string) =>
  `<!doctype html><title>Prices</title><style>body{margin:0;background:${colour}}</style><h1>Prices</h1>\n`;
const green = page('#00a000');
/** A dev server that needs no package: it serves the checkout on the browser's own loopback. */
const serve = `
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
createServer(async (_, response) => response.setHeader('content-type', 'text/html').end(await readFile('index.html'))).listen(8080);
`;
const files = {
  'index.html': page('#c00000'),
  'serve.mjs': serve,
  '.shipmate.yml': `verify: ['grep -q Prices index.html']\n`,
};

const browser = (more: Pick<ToolServerSettings, 'name'> & { command: string; args: string[] }): ToolServerSettings => ({
  name: more.name,
  at: {
    ...{ command: more.command, args: more.args, env: {} },
    ...{ hosts: [], paths: [modules], workspace: true },
  },
  ...{ tools: ['browser_take_screenshot'], write: ['browser_navigate'] },
  ...{ repositories: [], teams: [], secrets: [], callMs: 60_000, maxBytes: 8_000_000 },
});
const flags = [
  ...[`${modules}/@playwright/mcp/cli.js`, '--headless', '--isolated', '--no-sandbox', '--executable-path', chromium],
  ...['--allow-unrestricted-file-access', '--viewport-size', '640x360', '--output-dir', '/tmp/browser'],
];
const servers = [
  browser({ name: 'web', command: 'node', args: flags }),
  browser({
    name: 'site',
    command: 'sh',
    args: ['-c', 'node serve.mjs >/tmp/serve.log 2>&1 & exec node "$@"', 'sh', ...flags],
  }),
];

/** What the model does; where its files are, and the names of its pictures, it reads in what its tools answer. */
function createScript(urlIn: (dir: string) => string, server: string) {
  const read = (replies: object[]) => parseScript(JSON.stringify({ replies }), 'the script');
  const script = read([{ calls: [{ tool: 'bash', input: { command: 'echo "here: $(pwd)"' } }] }]);
  const more = (replies: object[]) => script.replies?.push(...(read(replies).replies ?? []));
  let heard = 0;
  function hear(body: string): void {
    const dir = /here: (\/[\w./-]+)/.exec(body)?.[1];
    if (heard === 0 && dir !== undefined) {
      heard = 1;
      const look = { tool: `${server}_browser_navigate`, input: { url: urlIn(dir) } };
      const shoot = { tool: `${server}_browser_take_screenshot`, input: { scale: 'css' } };
      more([
        { calls: [look] },
        { expect: 'Page Title: Prices', calls: [shoot] },
        { expect: 'kept as', calls: [{ tool: 'write', input: { path: 'index.html', content: green } }] },
        { calls: [look] },
        { expect: 'Page Title: Prices', calls: [shoot] },
      ]);
    }
    const kept = [...new Set([...body.matchAll(/kept as ([\w./-]+\.png)/g)].map(([, path]) => path))];
    if (heard === 1 && kept.length === 2) {
      heard = 2;
      const screenshots = kept.map((image, index) => ({ image, shows: ['before', 'after'][index], of: 'The prices' }));
      const input = { title: 'Green prices', summary: 'They are green.', screenshots };
      more([{ expect: 'kept as', calls: [{ tool: 'finish', input }] }]);
    }
  }
  return { script, hear };
}

/** Of a PNG without transparency the first pixel, which is as it is whatever its row's filter. */
function firstPixel(png: Uint8Array): string {
  const data: Uint8Array[] = [];
  const bytes = Buffer.from(png);
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  return inflateSync(Buffer.concat(data)).toString('hex', 1, 4);
}

test.skipIf(absent !== null).for([
  ['a page that is a file', 'web', (dir: string) => `file://${dir}/index.html`],
  ['a page of a dev server', 'site', () => 'http://localhost:8080/'],
] as const)('a real browser shows %s before and after', async ([, server, urlIn]) => {
  const { script, hear } = createScript(urlIn, server);
  const model = await startModelServer({ script, onRequest: ({ body }) => hear(body) });
  const service = await startTestService({
    files,
    env: { OPENAI_BASE_URL: `${model.url}/v1`, OPENAI_API_KEY: 'a-key-of-nobody' },
    change: (config) => ({ ...config, model: 'openai-compatible:any', toolServers: servers }),
  });
  try {
    const view = await service.work({ title: 'Make it green' });
    expect([view.runs[0]?.outcome?.message, view.unsent]).toEqual(['They are green.', []]);
    const tracker = service.app.trackers.get('board');
    const hint = { id: view.ticket.identifier, tracker: 'board' } as TicketHint;
    const { signal } = new AbortController();
    const attachments = (await tracker?.readTicket(hint, signal))?.attachments ?? [];
    const pictures = await Promise.all(
      attachments.map(async ({ id }) => (await tracker?.readAttachment(hint, id, signal)) ?? new Uint8Array()),
    );
    expect(pictures.map(firstPixel)).toEqual(['c00000', '00a000']);
    const names = attachments.map(({ name }) => name);
    const branch = `${view.branch}-screenshots`;
    expect((await service.git('ls-tree', '--name-only', branch)).split('\n')).toEqual(names);
    const { rows } = await service.database.pool.query('select body from local_git_pull_requests');
    for (const name of names) expect(rows[0]?.body).toContain(`\`${name}\` on \`${branch}\``);
  } finally {
    await service.stop();
    await model.close();
  }
});
