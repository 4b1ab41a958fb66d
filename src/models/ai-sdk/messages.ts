import type { AssistantContent, ModelMessage, ToolSet, TypedToolCall } from 'ai';
import type { Image, Message, ToolCall } from '../../core/message.ts';
import type { ModelRequest } from '../model.ts';
import type { AiSdkProvider } from './providers.ts';

/**
 * What is stored of a reply and sent again. `content` is JSON text and not an object, because a database may reorder an
 * object's keys, and then the history would no longer be the bytes that the vendor has cached.
 */
interface RawReply {
  provider: string;
  content: string;
}

type Part = Exclude<AssistantContent, string>[number];

/** The request as the `ai` package takes it. The same request gives the same bytes. */
export function toCallSettings(request: ModelRequest, provider: AiSdkProvider, providerName: string) {
  const mark = provider.cacheMark ? { providerOptions: provider.cacheMark } : {};
  const messages = request.messages.flatMap((message) => toModelMessage(message, provider, providerName));
  const last = messages.at(-1);
  if (last) Object.assign(last, mark);
  const lastTool = request.tools.length - 1;
  return {
    instructions: { role: 'system' as const, content: request.system, ...mark },
    messages,
    tools: request.tools.map(({ name, description, inputSchema }, index) => ({
      name,
      description,
      inputSchema,
      ...(provider.strictTools === undefined ? {} : { strict: provider.strictTools }),
      ...(index === lastTool ? mark : {}),
    })),
  };
}

function toModelMessage(message: Message, provider: AiSdkProvider, providerName: string): ModelMessage[] {
  switch (message.role) {
    case 'user':
      if (message.images === undefined) return [{ role: 'user', content: message.text }];
      return [{ role: 'user', content: [...message.images.map(toImagePart), { type: 'text', text: message.text }] }];
    case 'assistant': {
      const content = assistantContent(message, providerName);
      return content.length > 0 ? [{ role: 'assistant', content }] : [];
    }
    case 'tool':
      return [
        {
          role: 'tool',
          content: message.replies.map((reply) => ({
            type: 'tool-result',
            toolCallId: reply.callId,
            toolName: reply.name,
            output: { type: reply.isError && provider.marksToolErrors ? 'error-text' : 'text', value: reply.text },
          })),
        },
      ];
  }
}

function toImagePart({ mediaType, data }: Image) {
  return { type: 'file' as const, mediaType, data };
}

/** Verbatim where this vendor wrote it; what another model said is told in plain words. An empty reply is left out: vendors refuse it. */
function assistantContent(message: Message & { role: 'assistant' }, providerName: string): Part[] {
  const raw = message.raw as RawReply | undefined;
  if (raw?.provider === providerName) return JSON.parse(raw.content) as Part[];
  const text: Part[] = message.text === '' ? [] : [{ type: 'text', text: message.text }];
  const calls = message.calls.map(
    (call): Part => ({
      type: 'tool-call',
      toolCallId: call.id,
      toolName: call.name,
      input: call.invalid === undefined ? call.input : {},
    }),
  );
  return [...text, ...calls];
}

/** The vendor's own content, fit to be sent back: a call whose arguments are no object would be refused. */
export function toRaw(content: AssistantContent, providerName: string): RawReply {
  const parts: Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  const sendable = parts.map((part) =>
    part.type === 'tool-call' && !isObject(part.input) ? { ...part, input: {} } : part,
  );
  return { provider: providerName, content: JSON.stringify(sendable) };
}

/** A tool that does not exist is a call like any other; the agent answers it. */
export function toToolCall(part: TypedToolCall<ToolSet>): ToolCall {
  const { toolCallId: id, toolName: name } = part;
  const input: unknown = part.input;
  if (isObject(input)) return { id, name, input };
  if (typeof input === 'string' && part.invalid) {
    if (input.trim() === '') return { id, name, input: {} };
    return { id, name, input, invalid: `The arguments are not valid JSON${reasonOf(input)}` };
  }
  return { id, name, input: JSON.stringify(input), invalid: 'The arguments must be a JSON object.' };
}

function reasonOf(text: string): string {
  try {
    JSON.parse(text);
    return '.';
  } catch (error) {
    return `: ${(error as Error).message}`;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
