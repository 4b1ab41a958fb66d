import { countMasked, maskOutput } from './mask-history.ts';
import type { Image, Message, ToolCall, ToolReply } from './message.ts';
import { writeInstructions } from './prompt-text.ts';
import type { StepRecord } from './step.ts';
import type { ToolResult } from './tool.ts';

/** What every request of a session begins with: the same for ever. */
export interface Brief {
  system: string;
  request: string;
  /** Hashes of the images that belong to the request. */
  images?: string[];
  /** Where its ticket said that the work is, in its own words. */
  named?: { repository: string | null; base: string | null };
  /** The session began in another repository: its steps up to this one were there, and no model is shown them. */
  since?: number;
}

/** The images that a session's model is shown, by their hashes; null: this model cannot see. */
export type Images = ReadonlyMap<string, Image> | null;

/** What a `model` step was given beside all that came before it. */
export interface ModelInput {
  said: string | null;
  /** Hashes of the images that belong to it. */
  images?: string[];
  /** There were people's words in it. */
  heard?: true;
  /** There was a note that the agent goes in circles. */
  warned?: true;
  /** Where the budget left room for less than usual. */
  maxOutputTokens?: number;
  /** The workspace's tree, as of the last snapshot before this step. */
  tree?: string | null;
}

/** What a `model` step leaves in the journal. */
export interface ModelResult {
  reply: {
    text: string;
    calls: ToolCall[];
    raw?: unknown;
    finish: 'stop' | 'toolCalls' | 'length' | 'refused' | 'other';
  };
  /** The request was too long for the model and went out again with more of the history masked. */
  overflowed?: boolean;
}

/** One model reply with its tool calls. */
export interface Turn extends ModelInput, ModelResult {
  runId: string;
  /** The journal key of its model step. */
  key: string;
  /** One for each call, in order; null where it never completed. */
  results: (ToolResult | null)[];
}

/** The journal key of a call. It holds nothing that a model could put there to confuse a key with another. */
export function callKey(turnKey: string, index: number, call: ToolCall): string {
  return `${turnKey}/${index}:${call.name.replace(/[^\w-]/g, '_').slice(0, 64)}`;
}

/** The completed turns of a session, all runs, in order. */
export function readTurns(history: readonly StepRecord[]): Turn[] {
  const toolResults = new Map<string, ToolResult>();
  for (const step of history)
    if (step.kind === 'tool' && step.completed) toolResults.set(`${step.runId} ${step.key}`, step.result as ToolResult);
  return history
    .filter((step) => step.kind === 'model' && step.completed)
    .map(({ runId, key, input, result }) => ({
      ...(input as ModelInput),
      ...(result as ModelResult),
      runId,
      key,
      results: (result as ModelResult).reply.calls.map(
        (call, index) => toolResults.get(`${runId} ${callKey(key, index, call)}`) ?? null,
      ),
    }));
}

export interface NextRequest extends ModelInput {
  /** This very request was found too long: mask more. */
  overflowed: boolean;
}

/**
 * The messages of the next model request. A pure function of the journal, so that a resumed run sends what the first
 * attempt sent, byte for byte; and each request begins with the one before it, but for the rare ones that mask a batch.
 */
export function writeMessages(
  brief: Brief,
  turns: Turn[],
  next: NextRequest,
  contextWindow: number,
  images: Images = new Map(),
): Message[] {
  const masked = countMasked(brief, turns, next, contextWindow);
  const messages: Message[] = [userMessage(brief.request, brief.images, images)];
  const told = new Set<string>();
  for (const [index, turn] of turns.entries()) {
    addSaid(messages, turn, images);
    const { text, calls, raw } = turn.reply;
    // A reply of nothing is left out: vendors refuse to read back an empty message.
    if (text === '' && calls.length === 0) continue;
    messages.push({ role: 'assistant', text, calls, ...(raw === undefined ? {} : { raw }) });
    if (calls.length === 0) continue;
    const replies = calls.map((call, at) => reply(call, turn.results[at] ?? notCompleted, index < masked, told));
    messages.push({ role: 'tool', replies });
    // Not inside the reply: few vendors take an image there.
    const shown = images === null || index < masked ? [] : turn.results.flatMap((result) => result?.images ?? []);
    if (shown.length > 0) addSaid(messages, { said: imagesOfResults, images: shown }, images);
  }
  addSaid(messages, next, images);
  return messages;
}

/** Two user messages in a row become one: some servers insist that roles alternate. */
function addSaid(messages: Message[], { said, images: hashes }: ModelInput, images: Images): void {
  if (said === null) return;
  const message = userMessage(said, hashes, images);
  const last = messages.at(-1);
  if (last?.role !== 'user') {
    messages.push(message);
    return;
  }
  const all = [...(last.images ?? []), ...(message.images ?? [])];
  const text = `${last.text}\n\n${message.text}`;
  messages[messages.length - 1] = { role: 'user', text, ...(all.length > 0 ? { images: all } : {}) };
}

function userMessage(text: string, hashes: string[] = [], images: Images): Message & { role: 'user' } {
  if (hashes.length === 0) return { role: 'user', text };
  if (images === null)
    return { role: 'user', text: `${text}\n\n[You cannot see images, so those of the ticket are left out.]` };
  const shown = hashes.flatMap((hash) => images.get(hash) ?? []);
  return { role: 'user', text, ...(shown.length > 0 ? { images: shown } : {}) };
}

function reply(call: ToolCall, result: ToolResult, isMasked: boolean, told: Set<string>): ToolReply {
  const parts = [(isMasked ? maskOutput(result.text) : result.text) || '[no output]'];
  for (const instructions of result.instructions ?? []) {
    if (told.has(instructions.path)) continue;
    told.add(instructions.path);
    parts.push(writeInstructions(instructions));
  }
  return { callId: call.id, name: call.name, text: parts.join('\n\n'), isError: result.isError };
}

const imagesOfResults = 'Note from the service: the images of these results, in their order.';

const notCompleted: ToolResult = {
  text: 'This call did not complete: the run ended first. Look at the files before you rely on it.',
  isError: true,
};
