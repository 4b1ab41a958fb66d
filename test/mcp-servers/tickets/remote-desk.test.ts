import { createServer } from 'node:net';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Capture, type CaptureResult, captureSchema } from '../../../mcp-servers/tickets/capture.ts';
import { Unreachable } from '../../../mcp-servers/tickets/desk.ts';
import { createRemoteDesk } from '../../../mcp-servers/tickets/remote-desk.ts';
import { endpointOf, isInTheOpen } from '../../../mcp-servers/tickets/service-url.ts';
import { type AnyClient, callTool } from '../speak.ts';
import { idNumber } from './connect.ts';
import { createRecordingDesk, type RecordingDesk, shop3 } from './recording-desk.ts';
import { startTicketsService, type TicketsService, type Trouble, token } from './tickets-service.ts';

let record: RecordingDesk;
let service: TicketsService;

beforeEach(async () => {
  record = createRecordingDesk();
  service = await startTicketsService(record.desk);
});

afterEach(() => service.close());

const { signal } = new AbortController();

const capture: Capture = captureSchema.parse({
  id: idNumber(7),
  title: 'Dates differ',
  notes: ' \n as they are\r\n',
  places: [{ path: 'src/date.ts', from: 3, to: 9, snippet: '  const a = 1;\n' }],
  error: { command: 'npm test', exitCode: 1, output: '\n  Error: x\n' },
  labels: ['api'],
  also: [{ title: 'Another' }],
  checkout: {
    remotes: ['git@host.test:acme/shop.git'],
    branch: null,
    commit: 'a'.repeat(40),
    published: null,
    ahead: 2,
    edited: ['src/a.ts'],
    unpublished: [],
    changed: [' M src/date.ts'],
    commits: [{ id: 'a'.repeat(40), subject: 'Begin' }],
    codeowners: '* @acme/shop',
  },
  environment: { node: '24.1.0' },
  client: 'Claude Code',
  from: 'https://errors.test/issues/1/',
});

function open(options: { url?: string; token?: string; timeoutMs?: number } = {}) {
  return createRemoteDesk({ url: service.url, token, ...options });
}

/** What it throws when it should file something. */
async function failure(desk = open()): Promise<{ unreachable: boolean; message: string }> {
  const error = await desk.makeTicket(capture, signal).then(
    (result) => {
      throw new Error(`It was ${result.status}.`);
    },
    (thrown: Error) => thrown,
  );
  return { unreachable: error instanceof Unreachable, message: error.message };
}

test('what is asked of it is asked of the desk of the service, and answered as that answers, whole', async () => {
  const desk = open();
  const { text: _, ...found } = shop3;
  const filed = { identifier: 'SHOP-1', title: 'Dates differ', url: 'https://board.test/SHOP-1', isAssigned: true };
  expect(await desk.makeTicket(capture, signal)).toEqual({
    status: 'filed',
    tickets: [filed],
    duplicates: [],
    notes: [],
  });
  expect(await desk.searchTickets('dates', 3, signal)).toEqual([found]);
  expect(await desk.getTicket('SHOP-3', signal)).toEqual(shop3);
  expect(await desk.assignTicket('SHOP-3', signal)).toBe('SHOP-3 is given to Shipmate.');
  expect(await desk.commentOnTicket({ id: idNumber(8), identifier: '#3', text: ' a\n' }, signal)).toBe('Said on #3.');
  record.status = [{ ...found, work: 'Nobody has it.', question: null, pullRequest: null, page: null }];
  expect(await desk.ticketStatus(null, signal)).toEqual(record.status);
  expect(record.calls).toEqual([
    ['makeTicket', capture],
    ['searchTickets', 'dates', 3],
    ['getTicket', 'SHOP-3'],
    ['assignTicket', 'SHOP-3'],
    ['commentOnTicket', { id: idNumber(8), identifier: '#3', text: ' a\n' }],
    ['ticketStatus', null],
  ]);
});

test.each<CaptureResult>([
  {
    status: 'duplicates',
    duplicates: [{ identifier: 'A-1', title: 'x\u202ey', url: 'u', state: 'Todo', why: 'title', isLikely: false }],
    drafts: [],
    notes: [],
  },
  {
    status: 'shown',
    drafts: [
      {
        title: 'x',
        description: 'd',
        labels: [],
        priority: 'none',
        team: null,
        project: null,
        repository: null,
        assign: false,
      },
    ],
    duplicates: [],
    notes: ['n'],
  },
  { status: 'kept', drafts: [], notes: ['The tracker is away.'] },
])('$status is told as it was', async (result) => {
  record.result = result;
  expect(await open().makeTicket(capture, signal)).toEqual(result);
});

test('it asks in three requests, and listens for nothing', async () => {
  await open().assignTicket('SHOP-3', signal);
  expect(service.methods).toEqual(['initialize', 'notifications/initialized', 'tools/call']);
});

test('what the desk refuses is its own sentence; what it could not reach is to be sent again', async () => {
  record.fails = new Error('There is no ticket SHOP-3.');
  expect(await failure()).toEqual({ unreachable: false, message: 'There is no ticket SHOP-3.' });
  record.fails = new Unreachable('The database is away.');
  expect(await failure()).toEqual({ unreachable: true, message: 'The database is away.' });
});

describe('the service is away', () => {
  const answers = (status: number, type: string, body: string, headers = {}): Trouble => {
    return (_, response) => {
      response.writeHead(status, { 'content-type': type, ...headers }).end(body);
      return true;
    };
  };
  const page = '<!doctype html><title>Sign in</title>';

  test.each<[string, Trouble, RegExp]>([
    [
      'a database away',
      answers(503, 'application/json', '{"error":{"message":"Shipmate cannot answer now."}}'),
      /cannot take it now \(HTTP 503\): Shipmate cannot answer now\.$/,
    ],
    ['a gateway', answers(502, 'text/html', page), /cannot take it now \(HTTP 502\)\.$/],
    ['too many', answers(429, 'text/plain', 'slow down'), /\(HTTP 429\): slow down$/],
    ['a page of a proxy', answers(200, 'text/html', page), /a web page \(HTTP 200\), not Shipmate/],
    ['a page that says it is JSON', answers(200, 'application/json', page), /a web page/],
    ['a proxy that lets nobody out', answers(403, 'text/html', page), /a web page \(HTTP 403\)/],
    [
      'nothing there',
      answers(404, 'text/html', page),
      /Nothing answers at http:\/\/127\.0\.0\.1:\d+\/mcp \(HTTP 404\)/,
    ],
    ['nothing in it', answers(200, 'application/json', ''), /The answer of .* broke off\.$/],
    ['a stream of nothing', answers(200, 'text/event-stream', ': hello\n\n'), /broke off\.$/],
    [
      'half an answer',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        response.write('{"jsonrpc"', () => response.destroy());
        return true;
      },
      /the connection broke off\.$/,
    ],
    ['a connection that is dropped', (request) => Boolean(request.socket.destroy()), /the connection broke off\.$/],
  ])('%s', async (_, trouble, message) => {
    service.trouble = trouble;
    expect(await failure()).toEqual({ unreachable: true, message: expect.stringMatching(message) });
    service.trouble = null;
    expect(await open().makeTicket(capture, signal)).toMatchObject({ status: 'filed' });
  });

  test('nobody listens, nobody has that name, nobody answers in time', async () => {
    const silent = createServer((socket) => socket.resume());
    const port = await new Promise<number>((known) => {
      silent.listen(0, '127.0.0.1', () => known((silent.address() as { port: number }).port));
    });
    expect(await failure(open({ url: `http://127.0.0.1:${port}`, timeoutMs: 60 }))).toEqual({
      unreachable: true,
      message: `Shipmate at http://127.0.0.1:${port} did not answer within 0.06 s.`,
    });
    await new Promise((closed) => silent.close(closed));
    expect(await failure(open({ url: `http://127.0.0.1:${port}` }))).toEqual({
      unreachable: true,
      message: `Shipmate at http://127.0.0.1:${port} cannot be reached: the connection is refused.`,
    });
    expect(await failure(open({ url: service.url.replace('http:', 'https:') }))).toEqual({
      unreachable: true,
      message: expect.stringMatching(/it does not answer https there; its address may begin with http:\/\/\.$/),
    });
    expect(await failure(open({ url: 'http://shipmate.invalid' }))).toEqual({
      unreachable: true,
      message: expect.stringMatching(/^Shipmate at http:\/\/shipmate\.invalid cannot be reached: (nobody knows|names)/),
    });
  });

  test('a redirect is not followed: the token stays', async () => {
    const elsewhere = await startTicketsService(record.desk);
    service.trouble = answers(308, 'text/plain', '', { location: `${elsewhere.url}/mcp` });
    expect(await failure()).toEqual({
      unreachable: true,
      message: `Shipmate at ${service.url} redirects to ${elsewhere.url}. If it has moved, run "shipmate login URL" with its new address.`,
    });
    service.trouble = answers(307, 'text/plain', '', { location: '/elsewhere' });
    expect((await failure()).unreachable).toBe(true);
    expect(service.methods).toEqual(['initialize', 'initialize']);
    expect(elsewhere.methods).toEqual([]);
    await elsewhere.close();
  });
});

describe('an answer that is lost', () => {
  test.each([
    { form: 'JSON', json: true, cut: 'before a word' },
    { form: 'JSON', json: true, cut: 'in the middle' },
    { form: 'a stream', json: false, cut: 'before a word' },
    { form: 'a stream', json: false, cut: 'in the middle' },
  ])('$form, $cut: the same id again is the same ticket, and the same comment', async ({ json, cut }) => {
    const streaming = await startTicketsService(record.desk, json);
    const desk = open({ url: streaming.url });
    const lose: Trouble = (_, response, method) => {
      if (method !== 'tools/call') return false;
      const drop = () => {
        response.destroy();
        return response;
      };
      Object.assign(response, { write: drop, end: drop }, cut === 'before a word' ? { writeHead: drop } : {});
      return false;
    };
    const comment = { id: idNumber(8), identifier: 'SHOP-1', text: 'Also on Mondays.' };
    streaming.trouble = lose;
    expect(await failure(desk)).toMatchObject({ unreachable: true });
    await expect(desk.commentOnTicket(comment, signal)).rejects.toBeInstanceOf(Unreachable);
    expect([record.filed.size, record.comments.size]).toEqual([1, 1]); // it has arrived
    streaming.trouble = null;
    expect(await desk.makeTicket(capture, signal)).toMatchObject({ tickets: [{ identifier: 'SHOP-1' }] });
    expect(await desk.commentOnTicket(comment, signal)).toBe('Said on SHOP-1.');
    expect([record.filed.size, record.comments.size]).toEqual([1, 1]);
    await streaming.close();
  });
});

test('a token that is revoked, and what is too large, are not worth another try', async () => {
  expect(await failure(open({ token: 'shp_old' }))).toEqual({
    unreachable: false,
    message: `This token was revoked. Run "shipmate login ${service.url}".`,
  });
  service.trouble = (_, response) => {
    response.writeHead(413, { 'content-type': 'application/json' }).end('{"error":{"message":"Over 8 MB."}}');
    return true;
  };
  expect(await failure()).toEqual({
    unreachable: false,
    message: `Shipmate at ${service.url} refused it (HTTP 413): Over 8 MB.`,
  });
});

test('who asked may stop; a desk that is closed lets go of what it waits for', async () => {
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
  service.trouble = () => {
    isAsked();
    return true; // and never answers
  };
  const stop = new AbortController();
  const stopped = open().makeTicket(capture, stop.signal);
  await asked;
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
});

test('a service of another version is told from one that is away', async () => {
  service.trouble = (_, response, method) => {
    if (method !== 'tools/call') return false;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Done."}]}}');
    return true;
  };
  expect(await failure()).toEqual({
    unreachable: false,
    message: `Shipmate at ${service.url} is of another version than here; bring both to the same one.`,
  });
});

test.each(['1.x', '2.x'] as const)('any %s client speaks to the service as well', async (line) => {
  const headers = { authorization: `Bearer ${token}` };
  const endpoint = endpointOf(service.url);
  const info = { name: 'test', version: '1' };
  let client: AnyClient;
  if (line === '1.x') {
    client = new ClientV1(info);
    const transport = new HttpV1(endpoint, { requestInit: { headers } });
    await client.connect(transport as Parameters<typeof client.connect>[0]);
  } else {
    client = new ClientV2(info, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new HttpV2(endpoint, { requestInit: { headers } }));
  }
  const { tools } = await client.listTools();
  expect(tools).toHaveLength(6);
  // What a clone on the person's machine adds, only the model can say here.
  expect(tools[0]?.description).toMatch(/It sees no clone: give `repository`/);
  const { text } = await callTool(client, 'make_ticket', { title: 'Dates differ' });
  expect(text).toBe('https://board.test/SHOP-1 SHOP-1 "Dates differ": filed; the agent has it.');
  expect([...record.filed.values()]).toMatchObject([{ checkout: null, client: null }]);
  await client.close();
});

test.each([
  ['https://shipmate.example.com', false, 'https://shipmate.example.com/mcp'],
  ['http://localhost:3000/', false, 'http://localhost:3000/mcp'],
  ['http://10.1.2.3/base/mcp/', false, 'http://10.1.2.3/base/mcp'],
  ['http://[fd00::1]:3000', false, 'http://[fd00::1]:3000/mcp'],
  ['http://shipmate:3000', false, 'http://shipmate:3000/mcp'],
  ['http://shipmate.local', false, 'http://shipmate.local/mcp'],
  ['http://172.32.0.1', true, 'http://172.32.0.1/mcp'],
  ['http://shipmate.example.com?x#y', true, 'http://shipmate.example.com/mcp'],
  ['http://[2001:db8::1]', true, 'http://[2001:db8::1]/mcp'],
])('%s: a token can be read on the way: %s', (url, inTheOpen, endpoint) => {
  expect([isInTheOpen(url), endpointOf(url).href]).toEqual([inTheOpen, endpoint]);
});

test.each([
  ['shipmate.example.com', 'begins with https://'],
  ['file:///etc/passwd', 'begins with https://'],
  ['https://ada:secret@shipmate.example.com', 'leave them out'],
])('%s is no address', (url, said) => {
  expect(() => open({ url })).toThrow(said);
  expect(() => open({ url })).not.toThrow('secret');
});
