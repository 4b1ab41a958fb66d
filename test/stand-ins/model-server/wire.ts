import type { IncomingHttpHeaders } from 'node:http';
import type { Image, Message, ToolReply } from '../../../src/core/message.ts';
import type { Play, PlayerRequest } from '../../../src/models/scripted/player.ts';

export type PlayedReply = Play & { type: 'reply' };
export type Json = Record<string, unknown>;

export interface WireRequest {
  url: URL;
  headers: IncomingHttpHeaders;
  body: Json;
}

/** One vendor's wire format: what it refuses, how it streams, how it says no. */
export interface Wire {
  matches(path: string): boolean;
  /** The key that the request carries; undefined without one. */
  keyOf(headers: IncomingHttpHeaders): string | undefined;
  /** Throws `Refused` for a request that the vendor would refuse. */
  read(request: WireRequest): PlayerRequest;
  /** The reply as server-sent events. */
  frames(reply: PlayedReply, request: WireRequest, turn: number): string[];
  errorBody(status: number, message: string): unknown;
  /** The same, as an event in a reply that had begun. */
  errorFrame(status: number, message: string): string;
}

/** The vendor would answer 400. */
export class Refused extends Error {}

export function refuseUnless(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Refused(message);
}

export function frame(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** Pieces of a text, as a model streams them; an empty text is no piece. */
export function pieces(text: string): string[] {
  const size = Math.max(8, Math.ceil(text.length / 6));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}

export function isJsonObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objects(value: unknown, what: string): Json[] {
  refuseUnless(Array.isArray(value) && value.every(isJsonObject), `${what} must be a list of objects`);
  return value;
}

export function text(value: unknown, what: string): string {
  refuseUnless(typeof value === 'string', `${what} must be a string`);
  return value;
}

/** A call in a history: its arguments must be the JSON of an object. */
export function callOf(id: unknown, name: unknown, argumentsText: string) {
  let input: unknown;
  try {
    input = JSON.parse(argumentsText);
  } catch {
    input = null;
  }
  refuseUnless(isJsonObject(input), `the arguments of call ${id} are not a JSON object: ${argumentsText}`);
  return { id: text(id, 'a call id'), name: text(name, 'a call name'), input };
}

/** Every call is answered by the very next message, and nothing else is. */
export function refuseUnanswered(messages: Message[]): void {
  for (const [index, message] of messages.entries()) {
    const asked = message.role === 'assistant' ? message.calls.map((call) => call.id) : [];
    const next = messages[index + 1];
    const answered = next?.role === 'tool' ? next.replies.map((reply) => reply.callId) : [];
    refuseUnless(asked.length === new Set(asked).size, `message ${index}: call ids must be unique`);
    if (message.role === 'assistant' || next?.role === 'tool')
      refuseUnless(
        asked.toSorted().join() === answered.toSorted().join(),
        `message ${index}: the calls [${asked}] must be answered in the next message, which answers [${answered}]`,
      );
  }
}

/** Each text is a message of its own, with the images that stand before it. */
export function saidBy(parts: (string | Image)[]): Message[] {
  const messages: Message[] = [];
  let images: Image[] = [];
  for (const part of parts) {
    if (typeof part !== 'string') images.push(part);
    else {
      messages.push({ role: 'user', text: part, ...(images.length > 0 && { images }) });
      images = [];
    }
  }
  refuseUnless(images.length === 0, 'this stand-in wants a text after images');
  return messages;
}

/** As these formats take images in place: a URL that is the image. */
export function imageOfUrl(url: unknown): Image {
  const [, mediaType, data] = /^data:(image\/[a-z]+);base64,([A-Za-z0-9+/=]+)$/.exec(text(url, 'an image url')) ?? [];
  refuseUnless(mediaType !== undefined && data !== undefined, 'an image url must hold the image as base64');
  return { mediaType, data };
}

export function toolReply(callId: unknown, answer: unknown): ToolReply {
  return { callId: text(callId, 'a call id'), name: '', text: text(answer, 'a tool result'), isError: false };
}
