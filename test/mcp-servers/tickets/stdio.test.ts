import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { findOlderNode } from '../../support/older-node.ts';
import { createSampleHistory, type SampleRepository } from '../git/sample-history.ts';
import { type AnyClient, callTool, connectTo } from '../speak.ts';
import { createRecordingDesk, type RecordingDesk } from './recording-desk.ts';
import { startTicketsService, type TicketsService, token } from './tickets-service.ts';

const program = fileURLToPath(new URL('../../../bin/shipmate-mcp-tickets.mjs', import.meta.url));
const ours = { path: process.execPath, version: process.versions.node };

let repository: SampleRepository;
let scratch: string;
let record: RecordingDesk;
let service: TicketsService;
let client: AnyClient | null;

beforeAll(() => {
  repository = createSampleHistory();
});

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'shipmate-tickets-'));
  record = createRecordingDesk();
  service = await startTicketsService(record.desk);
  client = null;
});

afterEach(async () => {
  await client?.close();
  await service.close();
  rmSync(scratch, { recursive: true, force: true });
});

afterAll(() => repository.remove());

/** Of a person whose home is empty. */
function home(): Record<string, string> {
  return { XDG_CONFIG_HOME: join(scratch, 'config'), XDG_STATE_HOME: join(scratch, 'state') };
}

function loggedIn(): Record<string, string> {
  return { ...home(), SHIPMATE_URL: service.url, SHIPMATE_TOKEN: token };
}

function started(env: Record<string, string>, args: string[] = [], command = process.execPath) {
  return { command, args: [program, ...args], cwd: repository.directory, env };
}

/** As `shipmate login` leaves it. */
function logIn(url: string): void {
  mkdirSync(join(scratch, 'config', 'shipmate'), { recursive: true });
  writeFileSync(join(scratch, 'config', 'shipmate', 'client.json'), JSON.stringify({ url, token }), { mode: 0o600 });
}

function spooled(): string[] {
  return readdirSync(join(scratch, 'state', 'shipmate', 'spool')).filter((name) => name.endsWith('.json'));
}

test.each([
  { line: '1.x', node: findOlderNode() },
  { line: '2.x', node: ours },
] as const)(
  'a $line client starts it with Node.js $node.version, and files what the clone adds to',
  async ({ line, node }) => {
    client = await connectTo(line, started(loggedIn(), [], node.path));
    expect(client.getServerVersion()?.name).toBe('shipmate-tickets');
    const { tools } = await client.listTools();
    expect(tools).toHaveLength(6);
    const { text } = await callTool(client, 'make_ticket', { title: 'Retries never end', places: 'src/retry.ts:1' });
    expect(text).toBe('https://board.test/SHOP-1 SHOP-1 "Retries never end": filed; the agent has it.');
    const [capture] = record.filed.values();
    expect(capture).toMatchObject({
      title: 'Retries never end',
      client: 'test',
      places: [{ path: 'src/retry.ts', from: 1, snippet: expect.stringContaining('export') }],
      checkout: { branch: 'main', commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
      environment: expect.objectContaining({}),
    });
    expect((await callTool(client, 'search_tickets', { words: 'dates' })).text).toContain('SHOP-3');
    expect(spooled()).toEqual([]);
  },
);

test('what comes up before anybody is logged in, or while the service is away, is kept and filed later', async () => {
  client = await connectTo('1.x', started(home()));
  const how = 'Nobody is logged in on this machine. Run "shipmate login URL" with the address of your Shipmate.';
  expect(await callTool(client, 'search_tickets', { words: 'dates' })).toEqual({ text: how, isError: true });
  const early = await callTool(client, 'make_ticket', { title: 'Too early' });
  expect(early).toEqual({ text: expect.stringContaining(how), isError: false });
  expect(early.text).toContain('It is kept and will be filed by itself');
  expect(spooled()).toHaveLength(1);

  logIn(service.url);
  service.trouble = (request) => Boolean(request.socket.destroy());
  const away = await callTool(client, 'make_ticket', { title: 'While it is away' });
  expect(away.text).toContain(`Shipmate at ${service.url} cannot be reached: the connection broke off.`);
  expect(spooled()).toHaveLength(2);

  service.trouble = null;
  const back = await callTool(client, 'make_ticket', { title: 'Back' });
  expect(back.text).toContain('"Back": filed');
  await expect
    .poll(() => [...record.filed.values()].map(({ title }) => title).sort())
    .toEqual(['Back', 'Too early', 'While it is away']);
  await expect.poll(spooled).toEqual([]);
  const now = await callTool(client, 'make_ticket', { title: 'And now' });
  const said = `${back.text}\n${now.text}`.match(/^Filed meanwhile: "[^"]+"/gm);
  expect(said?.sort()).toEqual(['Filed meanwhile: "Too early"', 'Filed meanwhile: "While it is away"']);
});

test('a token that was revoked says so, and what came up is kept; the token stays out of what is said', async () => {
  client = await connectTo('2.x', started({ ...loggedIn(), SHIPMATE_TOKEN: 'shp_old' }));
  const { text, isError } = await callTool(client, 'make_ticket', { title: 'Retries never end' });
  expect(isError).toBe(true);
  expect(text).toContain(`This token was revoked. Run "shipmate login ${service.url}".`);
  expect(text).toContain('Nothing is lost');
  expect(text).not.toContain('shp_old');
  expect(spooled()).toHaveLength(1);
});

test('the token of a login is for its own service', async () => {
  logIn('https://shipmate.example.com');
  client = await connectTo('1.x', started(home(), ['--url', `${service.url}/mcp`]));
  const text = `Nobody is logged in on this machine. Run "shipmate login ${service.url}".`;
  expect(await callTool(client, 'ticket_status', {})).toEqual({ text, isError: true });
  expect(service.methods).toEqual([]);
  logIn(`${service.url}/`);
  expect(await callTool(client, 'ticket_status', {})).toMatchObject({ isError: false });
});

test.each([
  { roots: ['elsewhere', 'here'], flags: [], is: 'here' },
  { roots: [], flags: [], is: 'elsewhere' },
  { roots: ['elsewhere'], flags: ['--directory', 'here'], is: 'here' },
])(
  'works in $is where the client has $roots open and is started elsewhere with $flags',
  async ({ roots, flags, is }) => {
    const { directory } = repository;
    const elsewhere = join(scratch, 'elsewhere');
    mkdirSync(elsewhere);
    const place = (name: string) => (name === 'here' ? directory : elsewhere);
    const asking = new ClientV1({ name: 'editor', version: '1', title: 'Editor' }, { capabilities: { roots: {} } });
    asking.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: roots.map((name) => ({ uri: pathToFileURL(place(name)).href })),
    }));
    client = asking;
    const args = flags.map((flag) => (flag === 'here' ? directory : flag));
    await asking.connect(new StdioClientTransport({ ...started(loggedIn(), args), cwd: elsewhere }));
    await callTool(client, 'make_ticket', { title: 'x', places: ['src/retry.ts:1'] });
    const [capture] = record.filed.values();
    expect(capture?.client).toBe('Editor');
    expect(capture?.checkout?.branch).toBe(is === 'here' ? 'main' : undefined);
  },
);

test('what the README tells people to copy starts it, or reaches the service', async () => {
  const readme = readFileSync(new URL('../../../mcp-servers/tickets/README.md', import.meta.url), 'utf8')
    .replaceAll('/path/to/shipmate/bin/shipmate-mcp-tickets.mjs', program)
    .replaceAll(/\$\{workspaceFolder\}/g, repository.directory)
    .replaceAll(/\$\{SHIPMATE_TOKEN\}/g, token)
    .replaceAll('https://shipmate.example.com', service.url);
  const blocks = [...readme.matchAll(/```json\n([^`]*)```/g)].map(([, block = '']) => JSON.parse(block));
  const [first, second, http] = blocks.map(({ mcpServers, servers }) => (mcpServers ?? servers).shipmate);
  const codex = { command: 'node', args: JSON.parse(/args = (.*)/.exec(readme)?.[1] ?? '') };
  expect(codex).toEqual(first);
  for (const { command, args } of [first, second]) {
    expect(command).toBe('node');
    client = await connectTo('1.x', { ...started(loggedIn()), args });
    expect((await callTool(client, 'get_ticket', { ticket: 'SHOP-3' })).text).toContain('Some are ISO');
    await client.close();
  }
  const direct = new ClientV1({ name: 'test', version: '1' });
  client = direct;
  const transport = new StreamableHTTPClientTransport(new URL(http.url), { requestInit: { headers: http.headers } });
  await direct.connect(transport as Parameters<typeof direct.connect>[0]);
  expect((await callTool(client, 'get_ticket', { ticket: 'SHOP-3' })).text).toContain('Some are ISO');
});

test.each([
  [['--help'], 0, 'Usage: shipmate-mcp-tickets'],
  [['--version'], 0, '0.1.0'],
  [['--uri', 'x'], 2, "Unknown option '--uri'"],
  [['--url', 'shipmate'], 2, '"shipmate" is no address of a service'],
])('%j', (args, status, said) => {
  const run = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...home() },
  });
  expect(run.status).toBe(status);
  expect(status === 0 ? run.stdout : run.stderr).toContain(said);
  if (status !== 0) expect(run.stdout).toBe('');
});

test('it ends when the client hangs up, with something still to be delivered', async () => {
  const env = { PATH: process.env.PATH, ...loggedIn(), SHIPMATE_URL: 'http://127.0.0.1:9' };
  const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const call = { name: 'make_ticket', arguments: { title: 'x' } };
  const input = [
    { jsonrpc: '2.0', id: 1, method: 'initialize', params: hello },
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: call },
  ];
  const run = spawnSync(process.execPath, [program], {
    input: input.map((message) => `${JSON.stringify(message)}\n`).join(''),
    encoding: 'utf8',
    cwd: repository.directory,
    env,
    timeout: 20_000,
  });
  expect(run.stdout).toContain('It is kept and will be filed by itself');
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
});
