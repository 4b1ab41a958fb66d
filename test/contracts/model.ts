import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Message, ToolCall } from '../../src/core/message.ts';
import type { VendorError } from '../../src/core/vendor-error.ts';
import type { Model, ModelReply, ModelRequest } from '../../src/models/model.ts';

/** A way to get a model that plays a script, in whatever wire format it speaks. */
export interface ModelSubject {
  name: string;
  /** Each call is a new process as far as the model can tell; `again` makes another model for the same server. */
  start(script: string): Promise<{ model: Model; again(): Model; close(): Promise<void> }>;
  /** The format tells cache writes apart from other input. */
  tellsCacheWrites: boolean;
  /** Arguments travel as text, so that they can be malformed. */
  carriesMalformedArguments: boolean;
}

const tools = [
  {
    name: 'read',
    description: 'Reads a file.',
    inputSchema: {
      type: 'object',
      properties: { path: { type: 'string' }, lines: { type: 'number' } },
      required: ['path'],
    },
  },
  {
    name: 'bash',
    description: 'Runs a command.',
    inputSchema: { type: 'object', properties: { command: { type: 'string' } } },
  },
];

export function requestOf(messages: Message[]): ModelRequest {
  return { system: 'You are a member of the team.', tools, messages, maxOutputTokens: 8_000 };
}

/** The history after a reply: the reply, and an answer to each call, or a word to go on. */
export function afterReply(messages: Message[], reply: ModelReply): Message[] {
  const { text, calls, raw } = reply;
  const answers: Message =
    calls.length > 0
      ? { role: 'tool', replies: calls.map((call, index) => answerTo(call, index)) }
      : { role: 'user', text: 'Go on.' };
  return [...messages, { role: 'assistant', text, calls, ...(raw === undefined ? {} : { raw }) }, answers];
}

function answerTo(call: ToolCall, index: number) {
  const isError = call.invalid !== undefined;
  return { callId: call.id, name: call.name, text: isError ? 'not JSON' : `answer ${index + 1}`, isError };
}

/** As PostgreSQL's jsonb gives it back: the same values, keys by length and then by bytes. */
export function throughJsonb<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1)))
      : inner,
  ) as T;
}

export const never = new AbortController().signal;

export function describeModel(subject: ModelSubject): void {
  describe(`model contract: ${subject.name}`, () => {
    const open: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of open.splice(0)) await close();
    });
    async function start(script: string) {
      const started = await subject.start(script);
      open.push(started.close);
      return started;
    }
    async function failure(model: Model): Promise<VendorError> {
      const error = await model.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never).then(
        () => null,
        (thrown: VendorError) => thrown,
      );
      expect(error).toMatchObject({ name: 'VendorError' });
      return error as VendorError;
    }

    it('answers with text, parallel calls and usage', async () => {
      const { model } = await start(`
        replies:
          - text: Reading both.
            thinking: There are two files.
            calls: [{ tool: read, input: { zebra: 1, path: a } }, { tool: read, input: { path: b } }]
            usage: { input: 10, output: 20, cacheRead: 100, cacheWrite: 30 }`);
      const reply = await model.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);
      expect(reply).toMatchObject({
        text: 'Reading both.',
        calls: [
          { id: 'call_1_1', name: 'read', input: { zebra: 1, path: 'a' } },
          { id: 'call_1_2', name: 'read', input: { path: 'b' } },
        ],
        usage: subject.tellsCacheWrites
          ? { input: 10, output: 20, cacheRead: 100, cacheWrite: 30 }
          : { input: 40, output: 20, cacheRead: 100, cacheWrite: 0 },
        finish: 'toolCalls',
      });
      expect(reply.calls.every((call) => call.invalid === undefined)).toBe(true);
    });

    it('goes on in a new process from a history that was stored', async () => {
      const { model, again } = await start(`
        replies:
          - thinking: First a look.
            calls: [{ tool: read, input: { zebra: 1, path: a } }]
          - text: Not a tool of ours.
            thinking: Perhaps this one.
            calls: [{ tool: no_such_tool, input: { a: 1 } }, { tool: bash, input: { command: 'true' } }]
            expect: answer 1
          - text: Done.
            expect: [answer 1, answer 2]`);
      let messages: Message[] = [{ role: 'user', text: 'ENG-1' }];
      messages = throughJsonb(afterReply(messages, await model.complete(requestOf(messages), never)));
      const second = await again().complete(requestOf(messages), never);
      expect(second.calls.map((call) => call.name)).toEqual(['no_such_tool', 'bash']);
      messages = throughJsonb(afterReply(messages, second));
      const third = await again().complete(requestOf(messages), never);
      expect(third).toMatchObject({ text: 'Done.', calls: [], finish: 'stop' });
    });

    it('is shown images with the text that they belong to, also in the middle of a conversation', async () => {
      const { model } = await start(`
        replies:
          - calls: [{ tool: read, input: { path: a } }]
            expect: ["ENG-1", "[image: image/png, 3 bytes]"]
          - text: Seen.
            expect: ["Another.", "[image: image/jpeg, 4 bytes]"]`);
      const image = (mediaType: string, ...bytes: number[]) => ({
        mediaType,
        data: Buffer.from(bytes).toString('base64'),
      });
      const first: Message = { role: 'user', text: 'ENG-1', images: [image('image/png', 1, 2, 3)] };
      const reply = await model.complete(requestOf([first]), never);
      const more: Message = { role: 'user', text: 'Another.', images: [image('image/jpeg', 4, 5, 6, 7)] };
      expect(await model.complete(requestOf([...afterReply([first], reply), more]), never)).toMatchObject({
        text: 'Seen.',
      });
    });

    it('hands malformed arguments over as they were written, and the conversation goes on', async () => {
      const { model } = await start(`
        replies:
          - calls:
              - { tool: read, inputText: '{"path": "a' }
              - { tool: no_such_tool, inputText: 'path=a' }
              - { tool: read, inputText: '["a"]' }
          - text: I see.
            expect: not JSON`);
      let messages: Message[] = [{ role: 'user', text: 'ENG-1' }];
      const reply = await model.complete(requestOf(messages), never);
      if (!subject.carriesMalformedArguments) {
        expect(reply).toMatchObject({ text: '', calls: [], finish: 'other' });
        return;
      }
      expect(reply.calls.map((call) => call.input)).toEqual(['{"path": "a', 'path=a', '["a"]']);
      expect(reply.calls.map((call) => call.invalid)).toEqual([
        expect.stringMatching(/^The arguments are not valid JSON: ./),
        expect.stringMatching(/^The arguments are not valid JSON: ./),
        'The arguments must be a JSON object.',
      ]);
      messages = afterReply(messages, reply);
      expect((await model.complete(requestOf(messages), never)).text).toBe('I see.');
    });

    it('returns an empty reply as it is, and can be asked again', async () => {
      const { model } = await start('replies: [{ nothing: true }, { text: Now I speak. }]');
      let messages: Message[] = [{ role: 'user', text: 'ENG-1' }];
      const reply = await model.complete(requestOf(messages), never);
      expect(reply).toMatchObject({ text: '', calls: [] });
      messages = afterReply(messages, reply);
      expect((await model.complete(requestOf(messages), never)).text).toBe('Now I speak.');
    });

    it.each([
      ['status: 429, retryAfter: 1.5', 'rate_limited', true, 1500],
      ['status: 529', 'overloaded', true, null],
      ['status: 500', 'unavailable', true, null],
      ['status: 409', 'unavailable', true, null],
      ['status: 401', 'unauthorized', false, null],
      ['status: 400', 'invalid', false, null],
      ['cut: true', 'cut_stream', true, null],
    ])('a failure (%s) is %s', async (fail, code, retryable, retryAfterMs) => {
      const { model } = await start(`replies: [{ fail: { ${fail}, times: 2 } }, { text: Better now. }]`);
      for (let time = 0; time < 2; time++)
        expect(await failure(model)).toMatchObject({ code, retryable, retryAfterMs });
      const reply = await model.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);
      expect(reply.text).toBe('Better now.');
    });

    it('stops in the middle of a reply when told to', async () => {
      const { model } = await start('replies: [{ text: Late., delay: 60000 }]');
      const controller = new AbortController();
      const reason = new Error('a person said stop');
      const reply = model.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), controller.signal);
      setTimeout(() => controller.abort(reason), 100);
      await expect(reply).rejects.toBe(reason);
      await expect(model.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), controller.signal)).rejects.toBe(
        reason,
      );
    });

    it('waits for a file before it answers, and stops when told to meanwhile', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'shipmate-until-'));
      try {
        const { model } = await start(`replies: [{ text: Late., until: ${dir}/go }]`);
        const controller = new AbortController();
        const reason = new Error('a person said stop');
        const stopped = model.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), controller.signal);
        setTimeout(() => controller.abort(reason), 100);
        await expect(stopped).rejects.toBe(reason);
        const reply = model.complete(requestOf([{ role: 'user', text: 'ENG-1' }]), never);
        expect(await Promise.race([reply, delay(100, 'nothing')])).toBe('nothing');
        await writeFile(join(dir, 'go'), '');
        expect((await reply).text).toBe('Late.');
      } finally {
        await rm(dir, { recursive: true });
      }
    });

    it('fails loudly when request and script are out of step', async () => {
      const { model } = await start('replies: [{ text: One., expect: a word that is not there }]');
      const error = await failure(model);
      expect(error).toMatchObject({ code: 'invalid', retryable: false });
      expect(error.message).toContain('the last message should contain "a word that is not there"');
      const { model: empty } = await start('replies: []');
      expect((await failure(empty)).message).toContain('has ended');
    });

    it('says that it is configured', async () => {
      const { model } = await start('replies: []');
      expect(await model.check()).toMatchObject([{ name: `model ${model.id}`, status: 'ok' }]);
    });
  });
}
