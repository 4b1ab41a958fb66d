import type { Image, Message } from '../../../src/core/message.ts';
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

/** Gemini `streamGenerateContent`. Arguments travel as an object, so malformed ones end the reply as the vendor does. */
export const gemini: Wire = {
  matches: (path) => /^\/v1beta\/models\/[^/]+:streamGenerateContent$/.test(path),
  keyOf: (headers) => headers['x-goog-api-key'] as string | undefined,

  read({ url, body }) {
    refuseUnless(url.searchParams.get('alt') === 'sse', 'this stand-in streams only: alt=sse');
    refuseUnless(
      Number((body.generationConfig as Json | undefined)?.maxOutputTokens) > 0,
      'maxOutputTokens must be positive',
    );
    const system = objects((body.systemInstruction as Json | undefined)?.parts ?? [], 'systemInstruction.parts');
    const messages: Message[] = [];
    for (const content of objects(body.contents, 'contents')) {
      const parts = objects(content.parts, 'parts');
      refuseUnless(parts.length > 0, 'contents.parts must not be empty');
      if (content.role === 'model') messages.push(readModel(parts));
      else messages.push(...readUser(parts, messages.at(-1)));
    }
    refuseUnanswered(messages);
    return { system: system.map((part) => text(part.text, 'text')).join(''), messages };
  },

  frames(reply, { url }, turn) {
    const { input, output, cacheRead, cacheWrite } = reply.usage;
    const prompt = input + cacheRead + cacheWrite;
    const chunk = (parts: Json[], finishReason?: string) =>
      frame({
        candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason ? { finishReason } : {}) }],
        usageMetadata: {
          promptTokenCount: prompt,
          cachedContentTokenCount: cacheRead,
          candidatesTokenCount: output,
          totalTokenCount: prompt + output,
        },
        modelVersion: /models\/([^:]+):/.exec(url.pathname)?.[1],
        responseId: `response_${turn + 1}`,
      });
    const calls = reply.calls.map((call) => ({ ...call, args: parsed(call.inputText) }));
    if (calls.some((call) => call.args === null)) return [chunk([], 'MALFORMED_FUNCTION_CALL')];
    return [
      ...(!reply.thinking ? [] : [chunk([{ text: reply.thinking, thought: true }])]),
      ...pieces(reply.text).map((piece) => chunk([{ text: piece }])),
      ...calls.map(({ id, name, args }, index) =>
        chunk([
          { functionCall: { id, name, args }, ...(index === 0 ? { thoughtSignature: `signed-${turn + 1}` } : {}) },
        ]),
      ),
      chunk([{ text: '' }], 'STOP'),
    ];
  },

  errorBody: (status, message) => ({
    error: {
      code: status,
      message,
      status: status === 429 ? 'RESOURCE_EXHAUSTED' : status >= 500 ? 'UNAVAILABLE' : 'INVALID_ARGUMENT',
    },
  }),

  errorFrame: (status, message) => frame(gemini.errorBody(status, message)),
};

function readModel(parts: Json[]): Message {
  const calls = parts.flatMap((part) =>
    part.functionCall ? [part as { functionCall: Json; thoughtSignature?: string }] : [],
  );
  refuseUnless(
    calls.length === 0 || /^(signed-\d+|skip_thought_signature_validator)$/.test(calls[0]?.thoughtSignature ?? ''),
    'Function call is missing a thought_signature in functionCall parts.',
  );
  return {
    role: 'assistant',
    text: parts.map((part) => (part.thought ? '' : (part.text ?? ''))).join(''),
    calls: calls.map(({ functionCall: { id, name, args } }) => callOf(id, name, JSON.stringify(args))),
  };
}

function answerOf(response: Json): unknown {
  return response.content ?? response.error;
}

function readUser(parts: Json[], last: Message | undefined): Message[] {
  const results = parts.flatMap((part) => (part.functionResponse ? [part.functionResponse as Json] : []));
  const said = parts.flatMap((part): (string | Image)[] => {
    const image = part.inlineData as Json | undefined;
    if (image) return [{ mediaType: text(image.mimeType, 'mimeType'), data: text(image.data, 'data') }];
    return part.text === undefined ? [] : [text(part.text, 'text')];
  });
  const calls = last?.role === 'assistant' ? last.calls : [];
  return [
    ...(results.length > 0
      ? [
          {
            role: 'tool' as const,
            replies: results.map((result, index) =>
              toolReply(result.id ?? calls[index]?.id, answerOf(result.response as Json)),
            ),
          },
        ]
      : []),
    ...saidBy(said),
  ];
}

function parsed(argumentsText: string): Json | null {
  try {
    const value: unknown = JSON.parse(argumentsText);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
