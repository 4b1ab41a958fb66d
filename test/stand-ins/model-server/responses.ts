import type { Message } from '../../../src/core/message.ts';
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

/** OpenAI Responses, with `store: false`: what the vendor would have kept comes back in the request. */
export const responses: Wire = {
  matches: (path) => path === '/v1/responses',
  keyOf: (headers) => /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1],

  read({ body }) {
    text(body.model, 'model');
    refuseUnless(body.stream === true, 'this stand-in streams only');
    refuseUnless(body.store === false, 'this stand-in stores nothing: store must be false');
    refuseUnless(Number(body.max_output_tokens) >= 16, 'Invalid max_output_tokens: must be at least 16');
    for (const tool of objects(body.tools ?? [], 'tools'))
      refuseUnless(
        tool.type === 'function' && isJsonObject(tool.parameters),
        'tools: a function with parameters is expected',
      );
    const messages: Message[] = [];
    let system = '';
    const items = objects(body.input, 'input');
    for (const [index, item] of items.entries()) {
      const last = messages.at(-1);
      if (item.role === 'system' || item.role === 'developer') system += text(item.content, 'content');
      else if (item.role === 'user') messages.push(...saidBy(userParts(item.content)));
      else if (item.type === 'function_call_output') {
        const reply = toolReply(item.call_id, item.output);
        if (last?.role === 'tool') last.replies.push(reply);
        else messages.push({ role: 'tool', replies: [reply] });
      } else {
        const assistant = last?.role === 'assistant' ? last : { role: 'assistant' as const, text: '', calls: [] };
        if (assistant !== last) messages.push(assistant);
        readAssistantItem(item, items[index + 1], assistant);
      }
    }
    refuseUnanswered(messages);
    return { system, messages };
  },

  frames(reply, { body }, turn) {
    let sequence = 0;
    const events: string[] = [];
    const emit = (type: string, data: Json) => events.push(frame({ type, sequence_number: sequence++, ...data }, type));
    const output: Json[] = [];
    const response = (status: string, usage: Json | null): Json => ({
      response: {
        id: `resp_${turn + 1}`,
        object: 'response',
        created_at: 1_790_000_000,
        status,
        error: null,
        incomplete_details: null,
        model: body.model,
        output: status === 'completed' ? output : [],
        store: false,
        usage,
      },
    });
    emit('response.created', response('in_progress', null));
    emit('response.in_progress', response('in_progress', null));

    if (reply.thinking !== null) {
      const item_id = `rs_${turn + 1}`;
      const output_index = output.length;
      const done = {
        id: item_id,
        type: 'reasoning',
        summary: reply.thinking === '' ? [] : [{ type: 'summary_text', text: reply.thinking }],
        encrypted_content: encrypt(reply.thinking),
      };
      emit('response.output_item.added', { output_index, item: { ...done, summary: [], encrypted_content: '' } });
      if (reply.thinking !== '') {
        const at = { item_id, output_index, summary_index: 0 };
        emit('response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } });
        for (const delta of pieces(reply.thinking)) emit('response.reasoning_summary_text.delta', { ...at, delta });
        emit('response.reasoning_summary_text.done', { ...at, text: reply.thinking });
        emit('response.reasoning_summary_part.done', { ...at, part: done.summary[0] });
      }
      emit('response.output_item.done', { output_index, item: done });
      output.push(done);
    }
    if (reply.text !== '') {
      const id = `msg_${turn + 1}`;
      const output_index = output.length;
      const part = { type: 'output_text', annotations: [], text: reply.text };
      const done = { id, type: 'message', status: 'completed', role: 'assistant', content: [part] };
      emit('response.output_item.added', { output_index, item: { ...done, status: 'in_progress', content: [] } });
      const at = { item_id: id, output_index, content_index: 0 };
      emit('response.content_part.added', { ...at, part: { ...part, text: '' } });
      for (const delta of pieces(reply.text)) emit('response.output_text.delta', { ...at, delta });
      emit('response.output_text.done', { ...at, text: reply.text });
      emit('response.content_part.done', { ...at, part });
      emit('response.output_item.done', { output_index, item: done });
      output.push(done);
    }
    for (const [index, call] of reply.calls.entries()) {
      const id = `fc_${turn + 1}_${index + 1}`;
      const output_index = output.length;
      const done = {
        id,
        type: 'function_call',
        status: 'completed',
        call_id: call.id,
        name: call.name,
        arguments: call.inputText,
      };
      emit('response.output_item.added', { output_index, item: { ...done, status: 'in_progress', arguments: '' } });
      for (const delta of pieces(call.inputText))
        emit('response.function_call_arguments.delta', { item_id: id, output_index, delta });
      emit('response.function_call_arguments.done', { item_id: id, output_index, arguments: call.inputText });
      emit('response.output_item.done', { output_index, item: done });
      output.push(done);
    }
    const { input, output: written, cacheRead, cacheWrite } = reply.usage;
    emit(
      'response.completed',
      response('completed', {
        input_tokens: input + cacheRead + cacheWrite,
        input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
        output_tokens: written,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: input + cacheRead + cacheWrite + written,
      }),
    );
    return events;
  },

  errorBody: openaiError,

  errorFrame(status, message) {
    const code = status === 429 ? 'rate_limit_exceeded' : 'server_error';
    return frame({ type: 'error', sequence_number: 2, code, message, param: null }, 'error');
  },
};

export function openaiError(status: number, message: string): unknown {
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error';
  return { error: { message, type, param: null, code: status === 429 ? 'rate_limit_exceeded' : null } };
}

function readAssistantItem(item: Json, next: Json | undefined, assistant: Message & { role: 'assistant' }): void {
  if (item.type === 'function_call')
    assistant.calls.push(callOf(item.call_id, item.name, text(item.arguments, 'arguments')));
  else if (item.role === 'assistant') assistant.text += partsText(item.content, 'output_text');
  else {
    refuseUnless(item.type === 'reasoning', `input: unexpected item ${item.type}`);
    const summary = objects(item.summary, 'summary').map((part) => text(part.text, 'summary.text'));
    refuseUnless(
      item.encrypted_content === encrypt(summary.join('')),
      `The encrypted content for item ${item.id} could not be verified.`,
    );
    refuseUnless(
      next?.type === 'function_call' || next?.role === 'assistant',
      `Item '${item.id}' of type 'reasoning' was provided without its required following item.`,
    );
  }
}

function userParts(content: unknown) {
  if (typeof content === 'string') return [content];
  const parts = objects(content, 'content');
  const images = parts.filter((part) => part.type === 'input_image').map((part) => imageOfUrl(part.image_url));
  const rest = parts.filter((part) => part.type !== 'input_image');
  return [...images, partsText(rest, 'input_text')];
}

/** Text alone stands for one part of it. */
function partsText(content: unknown, type: string): string {
  if (typeof content === 'string') return content;
  return objects(content, 'content')
    .map((part) => {
      refuseUnless(part.type === type, `content: expected ${type}, got ${part.type}`);
      return text(part.text, 'text');
    })
    .join('');
}

function encrypt(thinking: string): string {
  return Buffer.from(`sealed ${thinking}`).toString('base64');
}
