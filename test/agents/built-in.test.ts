import { describe, expect, test } from 'vitest';
import { createBuiltInAgent } from '../../src/agents/built-in/index.ts';
import { createAgent } from '../../src/agents/index.ts';
import { createBudget, unlimited } from '../../src/core/budget.ts';
import { noTokens } from '../../src/core/message.ts';
import { RunLost } from '../../src/core/step.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { createSessionTools } from '../../src/tools/session-tools.ts';
import { accepted, type BenchOptions, createContext, createTool, saying } from './bench.ts';
import { addPrompt, createLedger } from './memory-journal.ts';
import { calling, createScriptModel, type Scripted } from './script-model.ts';

const finish: [string, unknown] = ['finish', { title: 'Title', summary: 'Summary' }];

async function run(script: Scripted[], options: BenchOptions & { signal?: AbortSignal; contextWindow?: number } = {}) {
  const ledger = createLedger();
  const model = createScriptModel(script, options.contextWindow);
  const agent = createBuiltInAgent({ model });
  const outcome = await agent.run(createContext(ledger, options), options.signal ?? new AbortController().signal);
  return { ledger, model, outcome };
}

function repliesOf(model: { requests(): { messages: unknown[] }[] }): { text: string; isError: boolean }[] {
  return (model.requests().at(-1)?.messages ?? []).flatMap((message) => {
    const { role, replies } = message as { role: string; replies?: { text: string; isError: boolean }[] };
    return role === 'tool' && replies ? replies.map(({ text, isError }) => ({ text, isError })) : [];
  });
}

describe('the loop', () => {
  test('asks, does what is called for, and ends when a tool says so', async () => {
    const { ledger, model, outcome } = await run([
      { text: 'First a plan.', ...calling(['update_plan', { steps: [{ content: 'Mend it', status: 'inProgress' }] }]) },
      calling(finish),
    ]);
    expect(outcome).toEqual({ stopReason: 'finished', message: 'done' });
    expect(ledger.steps.map(({ kind, key, completed }) => `${kind} ${key} ${completed}`)).toEqual([
      'model turn:1 true',
      'tool turn:1/0:update_plan true',
      'model turn:2 true',
      'tool turn:2/0:finish true',
    ]);
    expect(ledger.plans).toEqual([[{ content: 'Mend it', status: 'inProgress' }]]);
    expect(ledger.activities).toEqual([{ type: 'thought', body: 'First a plan.', ephemeral: true }]);
    expect(ledger.usage).toEqual(
      [1, 2].map(() => ({ model: 'test:script', tokens: { ...noTokens, input: 10, output: 5 }, costUsd: 0.01 })),
    );
    expect(model.requests()[0]?.messages).toEqual([{ role: 'user', text: 'Do the work.' }]);
    expect(model.requests()[1]?.messages).toHaveLength(3);
  });

  test('each request begins with the one before it', async () => {
    const look = createTool('look', true, () => saying('something'));
    const tools = [look, ...createSessionTools({ finish: async () => accepted })];
    const { model } = await run([calling(['look']), { text: 'hm' }, {}, calling(['look'], ['look']), calling(finish)], {
      tools,
    });
    const requests = model.requests();
    expect(requests).toHaveLength(5);
    for (const [index, { messages }] of requests.slice(1).entries()) {
      const before = requests[index]?.messages ?? [];
      // A note joins the user message before it; the text still begins as it did.
      expect(JSON.stringify(messages).slice(0, -2)).toContain(JSON.stringify(before).slice(0, -3));
    }
  });

  test('the images of results come after them, and are there for as long as their turn is not masked', async () => {
    const image = { mediaType: 'image/png', data: 'iVBORw0KGgo=' };
    const shoot = createTool('shoot', true, () => ({ ...saying('kept'), images: ['one'] }));
    const tools = [shoot, ...createSessionTools({ finish: async () => accepted })];
    const script = [calling(['shoot'], ['shoot']), { text: 'hm' }, calling(finish)];
    const { model } = await run(script, { tools, images: new Map([['one', image]]) });
    const [, second, third] = model.requests().map(({ messages }) => messages);
    expect(second?.at(-1)).toEqual({
      role: 'user',
      text: 'Note from the service: the images of these results, in their order.',
      images: [image, image],
    });
    expect(third?.slice(0, second?.length)).toEqual(second);
    // The model is told that its request was too long: all but the latest output is masked.
    const tooLong = new VendorError('too long', { code: 'context_overflow', retryable: false });
    const masked = await run([calling(['shoot']), calling(['shoot']), tooLong, calling(finish)], {
      tools,
      images: new Map([['one', image]]),
    });
    const withImages = masked.model
      .requests()
      .map(
        ({ messages }) => messages.filter((message) => message.role === 'user' && message.images !== undefined).length,
      );
    expect(withImages).toEqual([0, 1, 2, 1]);
  });

  test('runs reads that follow one another at once, and writes in order', async () => {
    const log: string[] = [];
    let waiting = 0;
    let open = () => {};
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    const read = createTool('read', true, async (input) => {
      waiting += 1;
      if (waiting === 2) open();
      await both; // hangs unless both are under way
      log.push(`read ${(input as { n: number }).n}`);
      return saying('read');
    });
    const write = createTool('write', false, (input) => {
      log.push(`write ${(input as { n: number }).n}`);
      return saying('written');
    });
    const tools = [read, write, ...createSessionTools({ finish: async () => accepted })];
    await run([calling(['write', { n: 1 }], ['read', { n: 2 }], ['read', { n: 3 }], ['write', { n: 4 }], finish)], {
      tools,
    });
    expect(log.map((line) => line.split(' ')[0])).toEqual(['write', 'read', 'read', 'write']);
  });

  test('tells each action before and after', async () => {
    const tool = createTool('Editing', false, () => ({ ...saying('Edited'), summary: '+1 -1 lines' }));
    const tools = [tool, ...createSessionTools({ finish: async () => accepted })];
    const { ledger } = await run([calling(['Editing', 'a.ts'], finish)], { tools });
    expect(ledger.activities).toEqual([
      { type: 'action', action: 'Editing', parameter: '"a.ts"', ephemeral: true },
      { type: 'action', action: 'Editing', parameter: '"a.ts"', result: '+1 -1 lines' },
    ]);
  });

  test('makes no call after one that ended the run', async () => {
    let written = 0;
    const write = createTool('write', false, () => saying(String(++written)));
    const tools = [write, ...createSessionTools({ finish: async () => accepted })];
    const { ledger, outcome } = await run([calling(finish, ['write'])], { tools });
    expect(outcome.stopReason).toBe('finished');
    expect(written).toBe(0);
    expect(ledger.steps.at(-1)).toMatchObject({ key: 'turn:1/1:write', completed: true, result: { isError: true } });
  });

  test('goes on when finish finds fault', async () => {
    const verdicts = [{ text: 'A test is red.', isError: true }, accepted];
    const tools = createSessionTools({ finish: async () => verdicts.shift() ?? accepted });
    const { model, outcome } = await run([calling(finish), calling(finish)], { tools });
    expect(outcome.stopReason).toBe('finished');
    expect(repliesOf(model)).toEqual([{ text: 'A test is red.', isError: true }]);
  });

  test('ask ends the run with the question', async () => {
    const { outcome } = await run([calling(['ask', { question: 'Which?', options: ['a', 'b'] }])]);
    expect(outcome).toEqual({ stopReason: 'needsInput', message: 'Which?', options: ['a', 'b'] });
  });
});

describe('what a model gets wrong', () => {
  test('is a result that it reads', async () => {
    const deny = ['note'];
    const invalid = { id: 'x', name: 'finish', input: '{"title":', invalid: 'The arguments are not valid JSON: cut.' };
    const { model } = await run(
      [
        { calls: [invalid] },
        calling(['frob\0nicate']),
        calling(['note', { text: 'x' }]),
        calling(['ask', { text: 1 }]),
        calling(finish),
      ],
      { deny },
    );
    expect(repliesOf(model)).toEqual([
      { text: 'finish was not called. The arguments are not valid JSON: cut.', isError: true },
      { text: 'There is no tool "frob\0nicate". The tools are: update_plan, note, ask, finish.', isError: true },
      { text: 'The tool "note" is switched off here (policy.tools.deny).', isError: true },
      {
        text: 'These are not the arguments of ask:\n✖ Invalid input: expected string, received undefined\n  → at question',
        isError: true,
      },
    ]);
  });

  test('a reply without calls is nudged three times, then people are asked', async () => {
    const { model, outcome } = await run([
      { text: 'One' },
      { text: 'Two' },
      { text: 'Three' },
      { text: 'Which database?' },
    ]);
    expect(outcome).toEqual({ stopReason: 'needsInput', message: 'Which database?' });
    expect(model.requests().at(-1)?.messages.at(-1)).toEqual({
      role: 'user',
      text: 'Note from the service: Your reply called no tool. Go on with a tool; call finish when the work is done, or ask when a person must decide.',
    });
  });

  test('silence ends as a failure, and leaves no empty message', async () => {
    const { model, outcome } = await run([{}, {}, {}, {}]);
    expect(outcome).toMatchObject({
      stopReason: 'failed',
      message: 'The model answered nothing 4 times in a row.\n\nSay "continue" to try again.',
    });
    expect(
      model
        .requests()
        .at(-1)
        ?.messages.map((message) => message.role),
    ).toEqual(['user']);
  });

  test('a call in between starts the count anew', async () => {
    const note = calling(['note', { text: 'x' }]);
    const { outcome } = await run([{}, {}, {}, note, {}, {}, {}, calling(finish)]);
    expect(outcome.stopReason).toBe('finished');
  });

  test('a refusal ends the run', async () => {
    const { outcome } = await run([{ text: 'I will not.', finish: 'refused' }]);
    expect(outcome).toMatchObject({
      stopReason: 'failed',
      message:
        'The model declined to go on. It said: I will not.\n\nSay it in other words, or "continue" to try again.',
    });
  });

  test('a reply that was cut off is told to be shorter', async () => {
    const { model } = await run([{ text: 'long', finish: 'length' }, calling(finish)]);
    expect(model.requests().at(-1)?.messages.at(-1)).toEqual({
      role: 'user',
      text: 'Note from the service: Your reply was cut off at 16,000 tokens. Be shorter: one file or part of a file in a reply.',
    });
  });
});

describe('people', () => {
  test('are heard before the next turn, by name, and once', async () => {
    const ledger = createLedger();
    addPrompt(ledger, 'Use the new API.');
    const look = createTool('look', true, () => {
      addPrompt(ledger, 'And\u202e mind the\u200b tests.', 'Grace\nsystem');
      return saying('seen');
    });
    const model = createScriptModel([calling(['look']), calling(finish)]);
    const tools = [look, ...createSessionTools({ finish: async () => accepted })];
    await createBuiltInAgent({ model }).run(createContext(ledger, { tools, notes: ['It was restored.'] }), never());
    expect(model.requests()[0]?.messages).toEqual([
      {
        role: 'user',
        text: 'Do the work.\n\nNote from the service: It was restored.\n\nAda writes:\n\nUse the new API.',
      },
    ]);
    expect(model.requests()[1]?.messages.at(-1)).toEqual({
      role: 'user',
      text: 'Grace system writes:\n\nAnd mind the tests.',
    });
    expect(ledger.prompts.map((prompt) => prompt.readBy)).toEqual(['step-1', 'step-3']);
  });

  test('who speak while the work is handed in are heard before the run ends', async () => {
    const ledger = createLedger();
    let hands = 0;
    const tools = createSessionTools({
      finish: async () => {
        hands += 1;
        if (hands === 1) addPrompt(ledger, 'One more thing.');
        return accepted;
      },
    });
    const model = createScriptModel([calling(finish), calling(finish)]);
    const outcome = await createBuiltInAgent({ model }).run(createContext(ledger, { tools }), never());
    expect(outcome.stopReason).toBe('finished');
    expect(hands).toBe(2);
    expect(model.requests()[1]?.messages.at(-1)).toEqual({ role: 'user', text: 'Ada writes:\n\nOne more thing.' });
  });

  test('who come back later continue the same conversation in another run', async () => {
    const ledger = createLedger();
    const model = createScriptModel([calling(['ask', { question: 'Which?' }]), calling(finish)]);
    const agent = createBuiltInAgent({ model });
    await agent.run(createContext(ledger, { runId: 'run-1' }), never());
    addPrompt(ledger, 'The second.');
    const outcome = await agent.run(createContext(ledger, { runId: 'run-2' }), never());
    expect(outcome.stopReason).toBe('finished');
    expect(ledger.steps.map(({ runId, key }) => `${runId} ${key}`)).toEqual([
      'run-1 turn:1',
      'run-1 turn:1/0:ask',
      'run-2 turn:1',
      'run-2 turn:1/0:finish',
    ]);
    expect(model.requests()[1]?.messages).toEqual([
      ...(model.requests()[0]?.messages ?? []),
      { role: 'assistant', text: '', calls: [expect.objectContaining({ name: 'ask' })] },
      {
        role: 'tool',
        replies: [expect.objectContaining({ text: 'The question is on the ticket. The answer comes as a message.' })],
      },
      { role: 'user', text: 'Ada writes:\n\nThe second.' },
    ]);
  });

  test('a call that an earlier run left open is answered, not made', async () => {
    const ledger = createLedger();
    const controller = new AbortController();
    const hang = createTool('hang', false, () => {
      controller.abort();
      return saying('too late');
    });
    const tools = [hang, ...createSessionTools({ finish: async () => accepted })];
    const model = createScriptModel([calling(['hang'], ['hang']), calling(finish)]);
    const agent = createBuiltInAgent({ model });
    await expect(agent.run(createContext(ledger, { tools }), controller.signal)).rejects.toThrow('aborted');
    await agent.run(createContext(ledger, { tools, runId: 'run-2' }), never());
    const text = 'This call did not complete: the run ended first. Look at the files before you rely on it.';
    expect(repliesOf(model)).toEqual([
      { text, isError: true },
      { text, isError: true },
    ]);
  });
});

describe('limits and failures', () => {
  test('a spent budget ends the run before the next request', async () => {
    const budget = createBudget({ limits: { ...unlimited, turns: 2 }, worked: () => 125_000 });
    const note = () => calling(['note', { text: 'x' }]);
    const { model, outcome } = await run([note(), note(), note()], { budget });
    expect(outcome).toMatchObject({
      stopReason: 'budgetExceeded',
      message:
        '**This run has reached its limit** of 2 turns (`budget.turns`).\n\n**What now?**\n' +
        '- Say "continue" to give it another run\n- To give every run more, raise `budget.turns` in shipmate.yaml',
    });
    expect(model.sent).toHaveLength(2);
  });

  test('an overloaded model is asked again after the time it named, and that is shown', async () => {
    const busy = () => new VendorError('529 overloaded', { code: 'overloaded', retryable: true, retryAfterMs: 20 });
    const reports: unknown[] = [];
    const begun = performance.now();
    const { ledger, outcome } = await run([busy(), calling(finish)], { reports });
    expect(outcome.stopReason).toBe('finished');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(19);
    expect(reports).toEqual([{ kind: 'retry', waitMs: expect.any(Number), reason: '529 overloaded' }]);
    expect(ledger.usage).toHaveLength(1);
  });

  test('what no retry mends passes through and leaves the step open', async () => {
    const ledger = createLedger();
    const model = createScriptModel([new VendorError('401: bad key', { code: 'unauthorized', retryable: false })]);
    await expect(createBuiltInAgent({ model }).run(createContext(ledger), never())).rejects.toThrow('401: bad key');
    expect(ledger.steps).toMatchObject([{ key: 'turn:1', completed: false }]);
  });

  test('it gives up on a model that stays away', async () => {
    const away = new VendorError('503', { code: 'unavailable', retryable: true, retryAfterMs: 60_000 });
    const agent = createBuiltInAgent({ model: createScriptModel([away]), retryForMs: 50 });
    await expect(agent.run(createContext(createLedger()), never())).rejects.toThrow('503');
  });

  test('a request that is too long goes out once more with old output masked', async () => {
    const long = 'x'.repeat(1_000);
    const look = createTool('look', true, () => saying(long));
    const tools = [look, ...createSessionTools({ finish: async () => accepted })];
    const overflow = () => new VendorError('too long', { code: 'context_overflow', retryable: false });
    const { model, outcome } = await run(
      [calling(['look']), calling(['look']), calling(['look']), overflow(), calling(['look']), calling(finish)],
      { tools },
    );
    expect(outcome.stopReason).toBe('finished');
    const masked = '[output masked: 1,000 characters; run it again if needed]';
    expect(model.requests().map((request) => textsOf(request.messages))).toEqual([
      [],
      [long],
      [long, long],
      [long, long, long],
      [masked, masked, long],
      [masked, masked, long, long],
    ]);
    await expect(run([calling(['look']), calling(['look']), overflow(), overflow()], { tools })).rejects.toThrow(
      'too long',
    );
  });

  test('abort and the loss of the run pass through', async () => {
    const controller = new AbortController();
    const stop = createTool('stop', true, (_, { signal }) => {
      controller.abort();
      signal.throwIfAborted();
      return saying('never');
    });
    await expect(run([calling(['stop'])], { tools: [stop], signal: controller.signal })).rejects.toThrow('aborted');

    const ledger = createLedger();
    const steal = createTool('steal', true, () => {
      ledger.attempts.set('run-1', 2);
      return saying('stolen');
    });
    const agent = createBuiltInAgent({ model: createScriptModel([calling(['steal'])]) });
    await expect(agent.run(createContext(ledger, { tools: [steal] }), never())).rejects.toThrow(RunLost);
    expect(ledger.steps.at(-1)).toMatchObject({ key: 'turn:1/0:steal', completed: false });
  });

  test('a read that fails for good waits for its neighbours', async () => {
    let ended = false;
    const failed = Promise.withResolvers<void>();
    const fail = createTool('fail', true, () => {
      failed.resolve();
      throw new Error('a bug');
    });
    const slow = createTool('slow', true, async () => {
      await failed.promise; // and only then goes on
      await new Promise(setImmediate);
      ended = true;
      return saying('slow');
    });
    await expect(run([calling(['fail'], ['slow'])], { tools: [fail, slow] })).rejects.toThrow('a bug');
    expect(ended).toBe(true);
  });

  test('an agent that is not there is refused with a list', () => {
    const model = createScriptModel([]);
    expect(createAgent('built-in', { model }).kind).toBe('built-in');
    expect(() => createAgent('toString', { model })).toThrow('There is no agent "toString". There is: built-in.');
  });
});

function textsOf(messages: { role: string }[]): string[] {
  return messages.flatMap((message) =>
    'replies' in message ? (message.replies as { text: string }[]).map((reply) => reply.text) : [],
  );
}

function never(): AbortSignal {
  return new AbortController().signal;
}
