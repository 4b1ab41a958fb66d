import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { findWorkingDirectory } from '../../../mcp-servers/tickets/working-directory.ts';
import { findOlderNode } from '../../support/older-node.ts';
import { createSampleHistory, type SampleRepository } from '../git/sample-history.ts';
import { type AnyClient, callTool, connectTo } from '../speak.ts';
import { asked } from './asked.ts';
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
function logIn(url: string, secret = token): void {
  mkdirSync(join(scratch, 'config', 'shipmate'), { recursive: true });
  writeFileSync(join(scratch, 'config', 'shipmate', 'client.json'), JSON.stringify({ url, token: secret }), {
    mode: 0o600,
  });
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
    expect(client.getServerVersion()).toMatchObject({ name: 'shipmate-tickets', version: '0.1.0' });
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

test('what comes up before anybody is logged in, while the service is away or with a revoked token is kept', async () => {
  client = await connectTo('1.x', started(home()));
  const how =
    'Nobody is logged in on this machine. Run "shipmate login URL" with the address of your Shipmate, or set SHIPMATE_URL and SHIPMATE_TOKEN.';
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

  logIn(service.url, 'shp_old');
  const { text, isError } = await callTool(client, 'make_ticket', { title: 'With an old token' });
  expect(isError).toBe(true);
  expect(text).toContain(`This token was revoked. Run "shipmate login ${service.url}".`);
  expect(text).toContain('Nothing is lost');
  expect(text).not.toContain('shp_old');
  expect(spooled()).toHaveLength(1);
});

test('the token of a login is for its own service', async () => {
  logIn('https://shipmate.example.com');
  client = await connectTo('1.x', started(home(), ['--url', `${service.url}/mcp`]));
  const text = `Nobody is logged in on this machine. Run "shipmate login ${service.url}", or set SHIPMATE_TOKEN.`;
  expect(await callTool(client, 'ticket_status', {})).toEqual({ text, isError: true });
  expect(service.methods).toEqual([]);
  logIn(`${service.url}/`);
  expect(await callTool(client, 'ticket_status', {})).toMatchObject({ isError: false });
});

test('it works where the client says that people work, wherever it is started', async () => {
  const elsewhere = join(scratch, 'elsewhere');
  mkdirSync(elsewhere);
  const asking = clientWithRoots([elsewhere, repository.directory]);
  client = asking;
  await asking.connect(new StdioClientTransport({ ...started(loggedIn()), cwd: elsewhere }));
  await callTool(client, 'make_ticket', { title: 'x', places: ['src/retry.ts:1'] });
  const [capture] = record.filed.values();
  expect(capture).toMatchObject({ client: 'Editor', checkout: { branch: 'main' } });
});

test.each([
  ['the one with the file', ['elsewhere', 'here'], 'elsewhere', 'here'],
  ['where it was started, below one of them', ['elsewhere', 'here'], 'here/src', 'here/src'],
  ['the only one', ['here'], 'elsewhere', 'here'],
  ['where it was started, without any', [], 'elsewhere', 'elsewhere'],
])('of what the client has open it takes %s', async (_, roots, start, wanted) => {
  const place = (name: string) => name.replace('here', repository.directory).replace('elsewhere', scratch);
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const server = new McpServer({ name: 'test', version: '1' });
  await Promise.all([server.connect(ours), clientWithRoots(roots.map(place)).connect(theirs)]);
  const said = asked({ title: 'x', places: [{ path: 'src/retry.ts' }] });
  expect(await findWorkingDirectory(server, said, place(start))).toBe(place(wanted));
  await server.close();
});

function clientWithRoots(directories: string[]): ClientV1 {
  const asking = new ClientV1({ name: 'editor', version: '1', title: 'Editor' }, { capabilities: { roots: {} } });
  asking.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: directories.map((directory) => ({ uri: pathToFileURL(directory).href })),
  }));
  return asking;
}

test('what the README says of the service over HTTP reaches it', async () => {
  const readme = readFileSync(new URL('../../../mcp-servers/tickets/README.md', import.meta.url), 'utf8')
    .replaceAll(/\$\{SHIPMATE_TOKEN\}/g, token)
    .replaceAll('https://shipmate.example.com', service.url);
  const [, , block = ''] = readme.split('## Of the service')[1]?.split(/```(json)?\n/) ?? [];
  const { shipmate: http } = JSON.parse(block).mcpServers;
  const direct = new ClientV1({ name: 'test', version: '1' });
  client = direct;
  const transport = new StreamableHTTPClientTransport(new URL(http.url), { requestInit: { headers: http.headers } });
  await direct.connect(transport as Parameters<typeof direct.connect>[0]);
  expect((await callTool(client, 'get_ticket', { ticket: 'SHOP-3' })).text).toContain('Some are ISO');
});

test.each([
  [['--help'], 0, 'Usage: shipmate-mcp-tickets'],
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
