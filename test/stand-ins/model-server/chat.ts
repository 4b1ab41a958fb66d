import type { Message } from '../../../src/core/message.ts';
import { openaiError } from './responses.ts';
import {
  callOf,
  frame,
  imageOfUrl,
  isJsonObject,
  type Json,
  objects,
  pieces,
  refuseUnanswered,
  refuseUnless,
  saidBy,
  text,
  toolReply,
  type Wire,
} from './wire.ts';

/** OpenAI Chat Completions, as compatible servers speak it. */
export const chat: Wire = {
  matches: (path) => path === '/v1/chat/completions',
  keyOf: (headers) => /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1],

  read({ body }) {
    text(body.model, 'model');
    refuseUnless(body.stream === true, 'this stand-in streams only');
    refuseUnless(Number(body.max_tokens) > 0, 'max_tokens must be at least 1');
    for (const tool of objects(body.tools ?? [], 'tools'))
      refuseUnless(tool.type === 'function' && isJsonObject(tool.function), 'tools: a function is expected');
    const messages: Message[] = [];
    let system = '';
    for (const message of objects(body.messages, 'messages')) {
      const last = messages.at(-1);
      if (message.role === 'system') system += text(message.content, 'content');
      else if (message.role === 'user') messages.push(...saidBy(userParts(message.content)));
      else if (message.role === 'tool') {
        const reply = toolReply(message.tool_call_id, message.content);
        if (last?.role === 'tool') last.replies.push(reply);
        else messages.push({ role: 'tool', replies: [reply] });
      } else {
        refuseUnless(message.role === 'assistant', `messages: unknown role ${message.role}`);
        const calls = objects(message.tool_calls ?? [], 'tool_calls').map((call) => {
          const { name, arguments: written } = call.function as Json;
          return callOf(call.id, name, text(written, 'arguments'));
        });
        const said = message.content ?? '';
        refuseUnless(said !== '' || calls.length > 0, 'messages: an assistant message needs content or tool_calls');
        messages.push({ role: 'assistant', text: text(said, 'content'), calls });
      }
    }
    refuseUnanswered(messages);
    return { system, messages };
  },

  frames(reply, { body }, turn) {
    const chunk = (choices: Json[], more: Json = {}) =>
      frame({
        id: `chatcmpl-${turn + 1}`,
        object: 'chat.completion.chunk',
        created: 1_790_000_000,
        model: body.model,
        choices,
        ...more,
      });
    const delta = (delta: Json, finish_reason: string | null = null) =>
      chunk([{ index: 0, delta, logprobs: null, finish_reason }]);
    const { input, output, cacheRead, cacheWrite } = reply.usage;
    const prompt = input + cacheRead + cacheWrite;
    const wantsUsage = (body.stream_options as Json | undefined)?.include_usage === true;
    return [
      delta({ role: 'assistant', content: '' }),
      ...pieces(reply.thinking ?? '').map((reasoning_content) => delta({ reasoning_content })),
      ...pieces(reply.text).map((content) => delta({ content })),
      ...reply.calls.flatMap((call, index) => [
        delta({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }),
        ...pieces(call.inputText).map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] })),
      ]),
      delta({}, reply.calls.length > 0 ? 'tool_calls' : 'stop'),
      ...(wantsUsage
        ? [
            chunk([], {
              usage: {
                prompt_tokens: prompt,
                completion_tokens: output,
                total_tokens: prompt + output,
                prompt_tokens_details: { cached_tokens: cacheRead },
                completion_tokens_details: { reasoning_tokens: 0 },
              },
            }),
          ]
        : []),
      'data: [DONE]\n\n',
    ];
  },

  errorBody: openaiError,

  errorFrame: (status, message) => frame(chat.errorBody(status, message)),
};

function userParts(content: unknown) {
  if (typeof content === 'string') return [content];
  return objects(content, 'content').map((part) =>
    part.type === 'image_url' ? imageOfUrl((part.image_url as Json).url) : text(part.text, 'content.text'),
  );
}
