import { afterAll, beforeAll, describe, test } from 'vitest';
import { someone, startTestService, type TestService } from '../support/service.ts';

const finish = (more = '') => `{ tool: finish, input: { title: Add a note, summary: A note was wanted.${more} } }`;
const write = '{ tool: write, input: { path: NOTE.md, content: "A note.\\n" } }';

/** Tickets say in their titles what the model does. */
const script = `
tickets:
  Answers nothing, for ever:
    - { nothing: true }
    - { nothing: true }
    - { nothing: true }
    - { nothing: true }
    - { text: Never reached. }
  Answers nothing, once:
    - { nothing: true }
    - { expect: [Your reply was empty, call finish], calls: [${write}, ${finish()}] }
  Speaks nonsense:
    - calls:
        - { tool: bash, inputText: '{"command": "ls' }
        - { tool: launch_missiles, input: { at: once } }
        - { tool: edit, input: { path: 7 } }
        - { tool: bash, inputText: '[]' }
    - expect:
        - "bash was not called. The arguments are not valid JSON"
        - 'There is no tool "launch_missiles". The tools are: bash, read, edit, write, update_plan, note, ask, finish'
        - These are not the arguments of edit
        - The arguments must be a JSON object
      calls: [${write}, ${finish()}]
  Is overloaded for a while:
    - { fail: { status: 429, retryAfter: 0, times: 2 } }
    - { fail: { status: 529, retryAfter: 0 } }
    - { fail: { cut: true } }
    - calls: [${write}]
    - { fail: { status: 500 } }
    - calls: [${finish()}]
  Asks us to wait:
    - { fail: { status: 429, retryAfter: 20, message: come back later } }
    - calls: [${write}, ${finish()}]
  Turns us away:
    - { fail: { status: 401, message: invalid x-api-key } }
    - calls: [${write}, ${finish()}]
  Ends too early:
    - calls: [${write}]
  Says only words:
    - { text: Which colour? }
    - { text: Which colour? }
    - { text: Which colour? }
    - { text: Which colour should it be? }
    - calls: [${write}, ${finish()}]
replies:
  - calls: [${write}]
  - calls: [${finish()}]
`;

describe('what is wrong with a ticket or with the model', () => {
  let service: TestService;
  beforeAll(async () => {
    // A check that costs nothing: what it is has no part in these tests.
    const files = { 'one.txt': 'one\n', '.shipmate.yml': 'verify: [test -s one.txt]\n' };
    service = await startTestService({ script, files });
  });
  afterAll(() => service?.stop());

  /** How a ticket ended, and that nothing of it is half done. */
  async function outcomeOf(title: string) {
    const view = await service.work({ title });
    const shown = await service.app.desk.show(view.ticket.identifier);
    const branches = await service.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/shipmate');
    return {
      state: view.state,
      word: view.activities.at(-1)?.activity,
      onTicket: shown.activities.at(-1)?.activity,
      proof: view.runs.at(-1)?.outcome?.proof,
      isLive: view.runs.some((run) => run.endedAt === null),
      unsent: view.unsent,
      pullRequest: view.pullRequest,
      branches: branches.split('\n').filter((name) => name.includes(`${view.ticket.identifier}-`)),
    };
  }

  const nothing = { proof: undefined, isLive: false, unsent: [], pullRequest: null, branches: [] };

  test.for([
    [
      'Answers nothing, for ever',
      {
        type: 'error',
        body: 'The model answered nothing 4 times in a row.\n\n**Asked:** Answers nothing, for ever\n\nSay "continue" to try again.',
      },
    ],
    [
      'Turns us away',
      {
        type: 'error',
        body: 'The scripted model answered 401: invalid x-api-key\n\n**Asked:** Turns us away\n\nSay "continue" when that is mended.',
      },
    ],
    ['Says only words', { type: 'elicitation', body: 'Which colour should it be?' }],
  ] as const)('told on the ticket, and nothing is half done: %s', async ([title, word], { expect }) => {
    const state = word.type === 'error' ? 'error' : 'awaitingInput';
    // What it cost so far may come after the words.
    const said = { type: word.type, body: expect.stringContaining(word.body) };
    expect(await outcomeOf(title)).toEqual({ ...nothing, state, word: said, onTicket: said });
  });

  test('a script that ends too early', async ({ expect }) => {
    const ended = await outcomeOf('Ends too early');
    const word = {
      type: 'error',
      body: expect.stringMatching(
        /^The script .*script\.yaml has ended: tickets\["Ends too early"\] has 1 replies, and this request asks for number 2\. Add a reply, .*\n\n\*\*Asked:\*\* Ends too early\n\n\*\*Tried:\*\*\n- Changed `[^\n]*`\n\n\*\*Snapshot:\*\* the work so far, .* branch `shipmate\/BOARD-\d+-ends-too-early-snapshot`\.\n\nSay "continue" when that is mended\.\n\n\*Cost so far: .*\*$/,
      ),
    };
    const branches = [expect.stringMatching(/-ends-too-early-snapshot$/)];
    expect(ended).toEqual({ ...nothing, branches, state: 'error', word, onTicket: word });
  });

  test.for(['Answers nothing, once', 'Speaks nonsense', 'Is overloaded for a while'])(
    'mended by another try, and proved: %s',
    async (title, { expect }) => {
      const ended = await outcomeOf(title);
      expect(ended).toMatchObject({ state: 'complete', proof: 'proved', isLive: false, unsent: [] });
      expect(ended.branches).toHaveLength(1);
    },
  );

  test('a wait that the model asks for is told; a stop ends it at once', async ({ expect }) => {
    const assignee = service.config.trackers.board.agent;
    const { identifier } = await service.app.desk.createTicket({ title: 'Asks us to wait', assignee }, someone);
    const isTold = async () =>
      (await service.app.desk.show(identifier)).activities.some(
        ({ activity }) =>
          activity.type === 'thought' &&
          activity.body === 'Waiting 20 s: The scripted model answered 429: come back later',
      );
    await expect.poll(isTold, { timeout: 10_000 }).toBe(true);
    const since = performance.now();
    await service.app.desk.comment(identifier, 'stop', someone);
    const view = await service.rest(identifier);
    expect(view.state).toBe('stopped');
    expect(performance.now() - since).toBeLessThan(15_000); // of the 20 s that it would wait
  });

  test('no description, and a title of emoji and direction marks', async ({ expect }) => {
    const title = '🚀 \u202egpj.exe\u202c Füge eine Notiz hinzu 👩‍👩‍👧 @everyone closes #1';
    const view = await service.work({ title });
    expect([view.state, view.runs[0]?.outcome?.proof]).toEqual(['complete', 'proved']);
    const request = await briefOf(view.id);
    expect(request).toContain('Title: 🚀 gpj.exe Füge eine Notiz hinzu 👩‍👩‍👧 @everyone closes #1\n');
    expect(request).toContain('Description:\n(empty)\n');
    expect(view.branch).toMatch(/^shipmate\/BOARD-\d+-add-a-note$/);
    const published = await publishedText(view.branch ?? '');
    expect(published).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    expect(published).toContain('`@everyone` closes `#1`');
  });

  test('200 kB of text', async ({ expect }) => {
    const description = `Start of it. ${'All work and no play. \u202e'.repeat(9_000)}End of it.`;
    const view = await service.work({ title: 'A long story', description });
    expect([view.state, view.runs[0]?.outcome?.proof]).toEqual(['complete', 'proved']);
    const request = await briefOf(view.id);
    expect(request.length).toBeLessThan(33_000);
    expect(request).toMatch(/Start of it\. .*\[[\d,]+ characters left out\].*End of it\.\n<\/outside-text>$/s);
    expect(request).not.toContain('\u202e');
  });

  async function briefOf(session: string): Promise<string> {
    const { rows } = await service.database.pool.query('select brief from sessions where id = $1', [session]);
    return rows[0].brief.request;
  }

  /** The commit's message and the pull request's words. */
  async function publishedText(branch: string): Promise<string> {
    const { rows } = await service.database.pool.query(
      "select title || ' ' || body as text from local_git_pull_requests where head = $1",
      [branch],
    );
    return `${await service.git('log', '-1', '--format=%B', branch)} ${rows[0].text}`;
  }
});
