import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

const files = {
  'package.json': '{"type":"module"}\n',
  '.shipmate.yml': 'verify: [node --test]\n',
  'sum.js': 'export const sum = (a, b) => a + b;\n',
  'sum.test.js':
    "import assert from 'node:assert/strict';\nimport test from 'node:test';\nimport { sum } from './sum.js';\n\n" +
    "test('adds', () => assert.equal(sum(1, 2), 3));\n",
};
const write = (path: string, content: string) =>
  `{ tool: write, input: { path: ${path}, content: ${JSON.stringify(content)} } }`;
const finish = (more = '') => `{ tool: finish, input: { title: A change, summary: It was wanted.${more} } }`;
const better = write('sum.js', 'export const sum = (a, b) => Number(a) + Number(b);\n');

const script = `
tickets:
  Has criteria:
    - expect: ["Acceptance criteria, by number:\\n1. Adds numbers\\n2. Adds text"]
      calls: [${better}, ${finish()}]
    - expect: ["not answered:\\n1. Adds numbers\\n2. Adds text"]
      calls:
        - ${finish(', criteria: [{ criterion: 1, met: true, evidence: sum.test.js }, { criterion: 2, met: false, evidence: No test of it. }]')}
  Has all it wants:
    - calls:
        - ${better}
        - ${finish(', criteria: [{ criterion: 1, met: true, evidence: sum.test.js }]')}
  Allows little:
    - expect: ["Allowed paths:\\ndocs/**\\nsum.test.js"]
      calls: [${better}, ${finish()}]
    - expect: ["sum.js: \`sum.js\` is outside the paths that the ticket allows."]
      calls:
        - { tool: bash, input: { command: git checkout sum.js } }
        - ${write('docs/sum.md', 'It adds.\n')}
        - ${finish()}
  Wants it linted:
    - calls: [${better}, ${finish()}]
    - expect: ["The ticket's exit command \`test -e linted\` does not succeed", "sum.js is red"]
      calls: [${write('linted', 'yes\n')}, ${finish()}]
  Works from a branch:
    - calls: [${better}, ${finish()}]
  Says which paths badly:
    - calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Begun. } }]
  Looks like this:
    - expect:
        - "Attachment notes.txt (text/plain, 15 bytes):\\nround half up"
        - "Attachment mock.png (image/png, 32 bytes): image 1"
        - "Attachment data.bin (application/octet-stream, 3 bytes): neither"
        - "[image: image/png, 32 bytes]"
      calls: [{ tool: ask, input: { question: Is there a newer one? } }]
    - expect: ["Attached: newer.png", "[image: image/png, 40 bytes]"]
      calls: [{ tool: finish, input: { title: Nothing, summary: s, answer: Seen. } }]
`;

/** Enough of one to be told from other files, and then some bytes of its own. */
const png = (bytes: number) =>
  new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...Array.from({ length: bytes - 8 }, (_, at) => at)]);

describe('what a ticket says of the work', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ script, files });
  });
  afterAll(() => service?.stop());

  async function work(title: string, fields: Record<string, string>) {
    const view = await service.work({ title, fields });
    const request = await requestOf(view);
    const bodies = view.activities.map(({ activity }) => ('body' in activity ? activity.body : ''));
    return { view, request, bodies };
  }
  async function requestOf({ branch }: { branch: string | null }) {
    const { rows } = await service.database.pool.query(
      'select draft, body, base from local_git_pull_requests where head = $1',
      [branch],
    );
    return rows[0] as { draft: boolean; body: string; base: string } | undefined;
  }

  test('criteria are insisted on, and checked off in pull request and closing words', async ({ expect }) => {
    const unmet = await work('Has criteria', { 'Acceptance criteria': '- Adds numbers\n- Adds text', Risk: 'Money.' });
    expect(unmet.view.state).toBe('complete');
    const list =
      '- [x] Adds numbers — as the agent says: sum.test.js\n- [ ] Adds text — **not met**, as the agent says: No test of it.';
    expect(unmet.request?.draft).toBe(true);
    expect(unmet.request?.body).toMatch(/^> \[!WARNING\]\n> \*\*DRAFT: 1 of 2 acceptance criteria is not met\.\*\*/);
    expect(unmet.request?.body).toContain(`## Acceptance criteria\n\n${list}`);
    expect(unmet.request?.body).toContain('- The ticket says: Money.');
    expect(unmet.bodies.at(-1)).toContain(list);
    expect(unmet.bodies.at(-1)).toContain('(draft, proved). **1 of 2 acceptance criteria is not met.**');

    const met = await work('Has all it wants', { 'Acceptance criteria': 'Adds numbers' });
    expect(met.request).toMatchObject({ draft: false, body: expect.stringContaining('- [x] Adds numbers') });
  });

  test('a change outside the allowed paths is held, and a path that fits nothing is told', async ({ expect }) => {
    const { view, bodies } = await work('Allows little', { 'Allowed paths': 'docs/**\nsum.test.js' });
    expect([view.state, view.runs[0]?.outcome?.stopReason]).toEqual(['complete', 'finished']);
    expect(bodies.filter((body) => body.includes('no file of the repository fits `docs/**`.'))).toHaveLength(1);
    expect(
      bodies.filter((body) => body.includes('`sum.js` is outside the paths that the ticket allows.')),
    ).toHaveLength(1);
    const changed = await service.git('diff', '--name-only', 'main', view.branch ?? '');
    expect(changed).toBe('docs/sum.md');
  });

  test('paths that nobody can read are asked about, once for each word, and the corrected field is the answer', async ({
    expect,
  }) => {
    const { view } = await work('Says which paths badly', { 'Allowed paths': 'src/[\nsum.js' });
    expect(view.state).toBe('awaitingInput');
    expect(view.activities.at(-1)?.activity).toMatchObject({
      type: 'elicitation',
      body: expect.stringContaining('- `src/[`: a bracket of it is not closed'),
    });
    const { identifier } = view.ticket;
    await service.app.desk.comment(identifier, 'Please hurry', someone);
    const again = await service.rest(identifier, 2);
    expect([again.state, again.activities.at(-1)?.activity]).toEqual([view.state, view.activities.at(-1)?.activity]);
    await service.app.desk.editTicket(identifier, { fields: { 'Allowed paths': 'sum.js' } }, someone);
    const done = await service.rest(identifier, 3);
    expect([done.state, done.runs[2]?.outcome?.message]).toEqual(['complete', 's']);
  });

  test('too many exit commands are asked about; one that is red sends the work back; green, it is evidence', async ({
    expect,
  }) => {
    const asked = await work('Wants it linted', { 'Exit commands': 'test -e linted\n'.repeat(21) });
    expect([asked.view.state, asked.view.usage.calls]).toEqual(['awaitingInput', 0]);
    expect(asked.bodies.at(-1)).toContain('- There are 21, and I run the first 20.');
    const { identifier } = asked.view.ticket;
    const commands = '`test -e linted || { echo sum.js is red; test -e linted; }`\n`test -e linted`';
    await service.app.desk.editTicket(identifier, { fields: { 'Exit commands': commands } }, someone);
    const view = await service.rest(identifier, 2);
    const request = await requestOf(view);
    expect(view.state).toBe('complete');
    expect(request?.draft).toBe(false);
    expect(request?.body).toContain("| `test -e linted` | this change, the ticket's exit command | passed |");
  });

  test('work begins on the branch that the ticket names, or says that there is none', async ({ expect }) => {
    await service.git('branch', 'release', 'main');
    const { view, request } = await work('Works from a branch', { 'Base branch': 'release' });
    expect([view.state, request?.base]).toEqual(['complete', 'release']);
    for (const branch of ['no-such', '--help']) {
      const { view: none, bodies } = await work('Works from a branch', { 'Base branch': branch });
      expect(none.state).toBe('error');
      expect(bodies.at(-1)).toContain(`has no branch "${branch}"`);
    }
  });

  test('what is attached is read: text, images where the model sees, and names of the rest', async ({ expect }) => {
    const { desk } = service.app;
    const { identifier } = await desk.createTicket({ title: 'Looks like this' }, someone);
    await desk.attach(identifier, 'notes.txt', Buffer.from('round half up\n\n'), someone);
    await desk.attach(identifier, 'mock.png', png(32), someone);
    await desk.attach(identifier, 'data.bin', new Uint8Array([0, 1, 2]), someone);
    await desk.assign(identifier, service.config.trackers.board.agent, someone);
    expect((await service.rest(identifier)).state).toBe('awaitingInput');
    await desk.attach(identifier, 'newer.png', png(40), someone);
    const done = await service.rest(identifier, 2);
    expect([done.state, done.runs[1]?.outcome?.message]).toEqual(['complete', 's']);
  });
});
