import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { test } from 'vitest';
import type { ToldCapture } from '../../mcp-servers/tickets/tell-capture.ts';
import type { App } from '../../src/app.ts';
import { type AnyClient, callTool } from '../mcp-servers/speak.ts';
import { startGitHubService } from '../support/github-service.ts';
import { startLinearService } from '../support/linear-service.ts';
import { someone, startTestService, type TestService } from '../support/service.ts';

const files = { 'a.txt': 'a\n' };
/** Nobody said when it is done: for a bug that is made out of what was said. */
const script = `
replies:
  - expect: [What is described above no longer happens, A test covers it]
    calls:
      - { tool: write, input: { path: two.txt, content: "two\\n" } }
      - tool: finish
        input:
          title: Add two
          summary: Two is there.
          criteria: [{ criterion: 1, met: true, evidence: two.txt }, { criterion: 2, met: true, evidence: a.test }]
`;
const bug = {
  title: 'API returns inconsistent date formats',
  notes: 'Some are ISO 8601, some are not.',
  kind: 'bug',
};
const zones = { title: 'The docs say nothing of zones', notes: 'Which one is it?' };

/** As an editor that is told the address and a token, and nothing else. */
async function connect(line: '1.x' | '2.x', { app, url }: TestService & { app: App }): Promise<AnyClient> {
  const { token } = await app.operations.tokens.create({ name: someone.name, id: someone.id, label: 'editor' });
  const options = { requestInit: { headers: { authorization: `Bearer ${token}` } } };
  const [endpoint, info] = [new URL('/mcp', url ?? ''), { name: 'test', version: '1' }];
  if (line === '1.x') {
    const client = new ClientV1(info);
    await client.connect(new TransportV1(endpoint, options) as never);
    return client;
  }
  const client = new ClientV2(info, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new TransportV2(endpoint, options));
  return client;
}

/** What a model does for a person, on whichever tracker it is. Answers the ticket that something was added to. */
async function work(line: '1.x' | '2.x', service: TestService, expect: typeof import('vitest').expect) {
  const client = await connect(line, service);
  const say = async (tool: string, args: Record<string, unknown>) => {
    const { text, isError } = await callTool(client, tool, args);
    expect(isError, text).toBe(false);
    return text;
  };
  const make = async (args: Record<string, unknown>) =>
    (await client.callTool({ name: 'make_ticket', arguments: args })).structuredContent as unknown as ToldCapture;
  /** A busy machine may keep it at first; said again it is the same. */
  const made = async (args: Record<string, unknown>, status: string) => {
    await expect.poll(async () => (await make(args)).status, { timeout: 20_000 }).toBe(status);
    return make(args);
  };

  expect(await make({ ...bug, dryRun: true })).toMatchObject({ status: 'shown', drafts: [{ title: bug.title }] });
  const { tickets } = await made({ ...bug, assign: true }, 'filed');
  const [{ identifier: first, url } = { identifier: '', url: '' }, ...others] = tickets;
  expect(others).toEqual([]);
  await service.rest(first);
  const status = await say('ticket_status', { ticket: url });
  expect(status, 'from the capture to the pull request').toContain('Pull request: ');

  const several = { ...zones, title: 'Clients guess zones', also: [zones], related: [first], assign: false };
  const linked = (await made(several, 'filed')).tickets.map(({ identifier }) => identifier);
  const [second = '', third = ''] = linked;
  expect(await say('get_ticket', { ticket: second })).toContain(`relatedTo: ${first}`);
  expect(await say('get_ticket', { ticket: third })).toContain(`relatedTo: ${second}`);
  expect(await say('ticket_status', {})).toContain(third);

  const again = { ...zones, notes: 'Nor does the website.', assign: false };
  expect(await make(again)).toMatchObject({
    status: 'duplicates',
    duplicates: expect.arrayContaining([expect.objectContaining({ identifier: third, isLikely: true })]),
  });
  expect(await made({ ...again, addTo: third }, 'added')).toMatchObject({ tickets: [{ identifier: third }] });
  await client.close();
  return third;
}

test('from an editor to the pull request on the board, and all else that a model may do there', async ({ expect }) => {
  const service = await startTestService({ script, files, parts: ['listen', 'worker'] });
  try {
    const third = await work('1.x', service, expect);
    const { activities } = await service.app.desk.show(third);
    expect(activities.map(({ activity }) => JSON.stringify(activity)).join('\n')).toContain('Nor does the website.');
    expect(activities).toHaveLength(1);
  } finally {
    await service.stop();
  }
});

test('the same on Linear', async ({ expect }) => {
  const service = await startLinearService({ script, files });
  try {
    const third = await work('2.x', service, expect);
    expect(third).toMatch(/^[A-Z]+-\d+$/);
    const issue = [...service.linear.workspace.tables.Issue.values()].find(({ title }) => title === zones.title);
    expect(issue && service.seen(issue).sessions, 'for people to read, and the agent is not at work').toMatchObject([
      { status: 'complete', activities: [expect.stringMatching(/^response: .*Nor does the website\.$/s)] },
    ]);
  } finally {
    await service.stop();
  }
});

test('the same on GitHub Issues', async ({ expect }) => {
  const service = await startGitHubService({ script, issues: true, code: files });
  try {
    const third = await work('1.x', service, expect);
    expect(third).toMatch(/^acme\/app#\d+$/);
    const issue = [...service.remote.issues.values()].find((each) => third.endsWith(`#${each.number}`));
    expect(issue && service.saidOn(issue), 'a comment of its own, which people are told of').toEqual([
      expect.stringMatching(/^Seen again by Ada: .*Nor does the website\./s),
    ]);
    expect(service.requests()).toHaveLength(1);
  } finally {
    await service.stop();
  }
});
