import { saysUndone } from '../../core/interruption.ts';
import type { Image, Message, TokenUsage } from '../../core/message.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { isReply, type Script, type ScriptEntry } from './script.ts';

export type Play =
  | {
      type: 'reply';
      text: string;
      thinking: string | null;
      calls: PlayedCall[];
      usage: TokenUsage;
      delayMs: number;
      until: string | null;
      /** The stream breaks off in the middle. */
      cut: boolean;
    }
  | {
      type: 'failure';
      status: number;
      message: string;
      retryAfterS: number | null;
      delayMs: number;
      until: string | null;
    };

export interface PlayedCall {
  id: string;
  name: string;
  /** The arguments as the model wrote them: JSON, unless the script says otherwise. */
  inputText: string;
}

/** What of a request matters to a script. */
export interface PlayerRequest {
  system: string;
  messages: Message[];
}

export interface Player {
  /** Throws `VendorError` `invalid` where request and script are out of step. */
  play(request: PlayerRequest): Play;
}

/**
 * Chooses what a script answers. The request alone says which reply it is (the number of replies in its history), so that a
 * process that was killed goes on where it was. What goes wrong before a reply is counted in memory, per session, and
 * happens again after a restart.
 */
export function createPlayer(script: Script, name: string): Player {
  const happened = new Map<string, number>();
  const sessions: string[] = [];

  /** After an empty reply, which is in no history, what is said next is part of the first request. */
  function sessionOf(first: string): string {
    const known = sessions.find((begin) => first === begin || first.startsWith(`${begin}\n`));
    if (known === undefined) sessions.push(first);
    return known ?? first;
  }

  return {
    play(request) {
      const first = textOf(request.messages[0]);
      const { place, entries } = entriesFor(script, first, name);
      const played = request.messages.filter(isPlayedReply).length;
      // A model that is told of an interruption does that turn again, so a script does.
      const turn = played - request.messages.filter(tellsOfInterruption).length;
      let replies = 0;
      for (const [index, entry] of entries.entries()) {
        const here = replies === turn;
        if (isReply(entry)) replies += 1;
        if (!here) continue;
        const where = `${place}[${index}] of ${name}`;
        if (!isReply(entry)) {
          const key = `${index} ${sessionOf(first)}`;
          const times = happened.get(key) ?? 0;
          if (times >= (entry.fail?.times ?? 1)) continue;
          happened.set(key, times + 1);
        }
        checkExpected(entry, request, where);
        return playOf(entry, request, played, where);
      }
      throw outOfStep(
        `The script ${name} has ended: ${place} has ${replies} replies, and this request asks for number ${turn + 1}. ` +
          'Add a reply, or let the last one call a tool that ends the run (finish). ' +
          `The last message was: ${JSON.stringify(shortened(textOf(request.messages.at(-1))))}`,
      );
    },
  };
}

function entriesFor(script: Script, first: string, name: string): { place: string; entries: ScriptEntry[] } {
  for (const [key, entries] of Object.entries(script.tickets ?? {}))
    if (first.includes(key)) return { place: `tickets["${key}"]`, entries };
  if (script.replies) return { place: 'replies', entries: script.replies };
  const keys = Object.keys(script.tickets ?? {}).map((key) => `"${key}"`);
  throw outOfStep(
    `The script ${name} has nothing for this ticket: its first request contains none of ${keys.join(', ')}. ` +
      'Add the ticket under tickets, or replies for every other one.',
  );
}

/** An empty reply is no entry of its own: whether it stays in the history differs from one wire format to another. */
function isPlayedReply(message: Message): boolean {
  return message.role === 'assistant' && (message.text !== '' || message.calls.length > 0);
}

function tellsOfInterruption(message: Message): boolean {
  return message.role === 'tool' && message.replies.some(saysUndone);
}

function checkExpected(entry: ScriptEntry, request: PlayerRequest, where: string): void {
  const last = textOf(request.messages.at(-1));
  const missing = entry.expect?.find((text) => !last.includes(text));
  if (missing === undefined) return;
  throw outOfStep(
    `The script is out of step at ${where}: the last message should contain ${JSON.stringify(missing)}, but it is ` +
      JSON.stringify(shortened(last)),
  );
}

function playOf(entry: ScriptEntry, request: PlayerRequest, played: number, where: string): Play {
  const delayMs = entry.delay ?? 0;
  const until = entry.until ?? null;
  if (entry.fail?.status !== undefined)
    return {
      type: 'failure',
      status: entry.fail.status,
      message: entry.fail.message ?? `${where} plays a failure`,
      retryAfterS: entry.fail.retryAfter ?? null,
      delayMs,
      until,
    };
  const text = entry.fail?.cut ? 'This reply is cut off in the middle.' : (entry.text ?? '');
  const calls = (entry.calls ?? []).map((call, index) => ({
    id: `call_${played + 1}_${index + 1}`,
    name: call.tool,
    inputText: call.inputText ?? JSON.stringify(call.input ?? {}),
  }));
  return {
    type: 'reply',
    text,
    thinking: entry.thinking ?? null,
    calls,
    usage: entry.usage ?? estimateUsage(request, text + calls.map((call) => call.name + call.inputText).join('')),
    delayMs,
    until,
    cut: entry.fail?.cut === true,
  };
}

/** Four characters to a token; what the previous request held counts as read from the cache, the rest as written to it. */
function estimateUsage(request: PlayerRequest, reply: string): TokenUsage {
  const lastReply = request.messages.findLastIndex((message) => message.role === 'assistant');
  const size = (messages: Message[]) => messages.reduce((sum, message) => sum + textOf(message).length, 0);
  const before = lastReply < 0 ? 0 : request.system.length + size(request.messages.slice(0, lastReply));
  const all = request.system.length + size(request.messages);
  return {
    input: 0,
    output: Math.ceil(reply.length / 4),
    cacheRead: Math.floor(before / 4),
    cacheWrite: Math.ceil((all - before) / 4),
  };
}

function textOf(message: Message | undefined): string {
  if (!message) return '';
  if (message.role === 'tool') return message.replies.map((reply) => reply.text).join('\n');
  if (message.role === 'user') return [message.text, ...(message.images ?? []).map(showImage)].join('\n');
  return message.text + message.calls.map((call) => call.name + JSON.stringify(call.input)).join('');
}

/** A script sees of an image what it is. */
function showImage({ mediaType, data }: Image): string {
  return `[image: ${mediaType}, ${Buffer.from(data, 'base64').length} bytes]`;
}

function shortened(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

function outOfStep(message: string): VendorError {
  return new VendorError(message, { code: 'invalid', retryable: false });
}
