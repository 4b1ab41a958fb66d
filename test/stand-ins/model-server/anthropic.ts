import { createHash } from 'node:crypto';
import type { Message } from '../../../src/core/message.ts';
import {
  callOf,
  frame,
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

/** Anthropic Messages. */
export const anthropic: Wire = {
  matches: (path) => path === '/v1/messages',
  keyOf: (headers) => headers['x-api-key'] as string | undefined,

  read({ headers, body }) {
    refuseUnless(headers['anthropic-version'] === '2023-06-01', 'anthropic-version: header is required');
    text(body.model, 'model');
    refuseUnless(Number.isInteger(body.max_tokens) && Number(body.max_tokens) > 0, 'max_tokens: Field required');
    refuseUnless(body.stream === true, 'this stand-in streams only');
    const system = objects(body.system ?? [], 'system');
    for (const tool of objects(body.tools ?? [], 'tools')) {
      text(tool.name, 'tools.name');
      refuseUnless(
        isJsonObject(tool.input_schema) && tool.input_schema.type === 'object',
        'tools.input_schema.type: must be object',
      );
    }
    const marks = JSON.stringify(body).split('"cache_control"').length - 1;
    refuseUnless(marks <= 4, `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`);

    const messages: Message[] = [];
    let expected = 'user';
    for (const message of objects(body.messages, 'messages')) {
      refuseUnless(message.role === expected, 'messages: roles must alternate between "user" and "assistant"');
      expected = expected === 'user' ? 'assistant' : 'user';
      const content = objects(message.content, 'messages.content');
      refuseUnless(content.length > 0, 'messages: text content blocks must be non-empty');
      if (message.role === 'assistant') messages.push(readAssistant(content));
      else messages.push(...readUser(content));
    }
    refuseUnless(expected === 'assistant', 'messages: the last message must be of the user');
    refuseUnanswered(messages);
    return { system: system.map((block) => text(block.text, 'system.text')).join(''), messages };
  },

  frames(reply, { body }, turn) {
    const { usage } = reply;
    const input = {
      input_tokens: usage.input,
      cache_creation_input_tokens: usage.cacheWrite,
      cache_read_input_tokens: usage.cacheRead,
    };
    const blocks = [
      ...(reply.thinking === null
        ? []
        : [
            {
              start: { type: 'thinking', thinking: '', signature: '' },
              deltas: [
                ...pieces(reply.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })),
                { type: 'signature_delta', signature: sign(reply.thinking) },
              ],
            },
          ]),
      ...(reply.text === ''
        ? []
        : [
            {
              start: { type: 'text', text: '' },
              deltas: pieces(reply.text).map((piece) => ({ type: 'text_delta', text: piece })),
            },
          ]),
      ...reply.calls.map((call) => ({
        start: { type: 'tool_use', id: call.id, name: call.name, input: {} },
        deltas: ['', ...pieces(call.inputText)].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      })),
    ];
    const event = (data: Json) => frame(data, String(data.type));
    return [
      event({
        type: 'message_start',
        message: {
          id: `msg_${turn + 1}`,
          type: 'message',
          role: 'assistant',
          model: body.model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...input, output_tokens: 1 },
        },
      }),
      event({ type: 'ping' }),
      ...blocks.flatMap(({ start, deltas }, index) => [
        event({ type: 'content_block_start', index, content_block: start }),
        ...deltas.map((delta) => event({ type: 'content_block_delta', index, delta })),
        event({ type: 'content_block_stop', index }),
      ]),
      event({
        type: 'message_delta',
        delta: { stop_reason: reply.calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null },
        usage: { ...input, output_tokens: usage.output },
      }),
      event({ type: 'message_stop' }),
    ];
  },

  errorBody: (status, message) => ({
    type: 'error',
    error: { type: errorTypes[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error'), message },
    request_id: 'req_1',
  }),

  errorFrame: (status, message) => frame(anthropic.errorBody(status, message), 'error'),
};

const errorTypes: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

function readAssistant(content: Json[]): Message {
  const said: string[] = [];
  const calls: ReturnType<typeof callOf>[] = [];
  for (const block of content) {
    if (block.type === 'text') said.push(nonEmpty(block));
    else if (block.type === 'tool_use') calls.push(callOf(block.id, block.name, JSON.stringify(block.input)));
    else {
      refuseUnless(block.type === 'thinking', `messages.content: unexpected block ${block.type}`);
      refuseUnless(
        block.signature === sign(text(block.thinking, 'thinking')),
        'Invalid `signature` in `thinking` block',
      );
    }
  }
  return { role: 'assistant', text: said.join(''), calls };
}

/** Tool results come first in a message; what a person says may follow. Each text block was a message of its own. */
function readUser(content: Json[]): Message[] {
  const results = content.filter((block) => block.type === 'tool_result');
  refuseUnless(
    content.slice(0, results.length).every((block) => block.type === 'tool_result'),
    'messages: tool_result blocks must come first',
  );
  const said = content
    .slice(results.length)
    .map((block) => (block.type === 'image' ? imageOf(block) : nonEmpty(block)));
  return [
    ...(results.length > 0
      ? [
          {
            role: 'tool' as const,
            replies: results.map((block) => toolReply(block.tool_use_id, resultText(block.content))),
          },
        ]
      : []),
    ...saidBy(said),
  ];
}

function resultText(content: unknown): unknown {
  return Array.isArray(content) ? content.map((block: Json) => block.text).join('') : content;
}

function imageOf(block: Json) {
  const { type, media_type, data } = block.source as Json;
  refuseUnless(type === 'base64', 'messages: an image is expected as base64');
  return { mediaType: text(media_type, 'media_type'), data: text(data, 'data') };
}

function nonEmpty(block: Json): string {
  refuseUnless(block.type === 'text' && block.text !== '', 'messages: text content blocks must be non-empty');
  return text(block.text, 'text');
}

function sign(thinking: string): string {
  return createHash('sha256').update(thinking).digest('base64');
}
