import type { TokenUsage, ToolCall } from '../../core/message.ts';
import { VendorError } from '../../core/vendor-error.ts';
import type { Model } from '../model.ts';
import type { Price } from '../prices.ts';
import { createPlayer, type Play, type PlayedCall, type Player } from './player.ts';
import { readScript, type Script } from './script.ts';
import { waitForTurn } from './wait.ts';

export interface ScriptedModelOptions {
  /** Path of the script; README.md beside this file describes it. */
  file: string;
  costOf(price: Price | null, usage: TokenUsage): number | null;
}

/** A model that plays a file. A file that can't be played fails each call and the check, not this function. */
export function createScriptedModel({ file, costOf }: ScriptedModelOptions): Model {
  const opened = open(file);

  return {
    id: `scripted:${file}`,
    contextWindow: 200_000,
    sees: true,

    cost(usage) {
      return costOf(opened.script?.price ?? null, usage);
    },

    async complete(request, signal) {
      signal.throwIfAborted();
      if (!opened.player) throw new VendorError(opened.mistake, { code: 'invalid', retryable: false });
      const play = opened.player.play(request);
      await waitForTurn(play, file, signal);
      if (play.type === 'failure') throw failureOf(play);
      if (play.cut)
        throw new VendorError('The script cut the reply off in the middle.', { code: 'cut_stream', retryable: true });
      const calls = play.calls.map(toCall);
      return { text: play.text, calls, usage: play.usage, finish: calls.length > 0 ? 'toolCalls' : 'stop' };
    },

    async check() {
      const name = `model scripted:${file}`;
      if (opened.player) return [{ name, status: 'ok', message: 'plays a script; no account is needed' }];
      return [
        { name, status: 'missing', message: opened.mistake, remedy: 'Mend the script, or choose another model.' },
      ];
    },
  };
}

type Opened = { script: Script; player: Player } | { script: null; player: null; mistake: string };

function open(file: string): Opened {
  try {
    const script = readScript(file);
    return { script, player: createPlayer(script, file) };
  } catch (error) {
    return { script: null, player: null, mistake: (error as Error).message };
  }
}

/** A call as the port has it: arguments that are not a JSON object come as they were written, with the reason. */
function toCall({ id, name, inputText }: PlayedCall): ToolCall {
  try {
    const input: unknown = JSON.parse(inputText);
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return { id, name, input };
    return { id, name, input: inputText, invalid: 'The arguments must be a JSON object.' };
  } catch (error) {
    return { id, name, input: inputText, invalid: `The arguments are not valid JSON: ${(error as Error).message}` };
  }
}

function failureOf(play: Play & { type: 'failure' }): VendorError {
  const { status } = play;
  const retryable = status === 408 || status === 409 || status === 429 || status >= 500;
  return new VendorError(`The scripted model answered ${status}: ${play.message}`, {
    code: codeOf(status),
    retryable,
    retryAfterMs: play.retryAfterS === null ? null : play.retryAfterS * 1000,
  });
}

function codeOf(status: number): string {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 429) return 'rate_limited';
  if (status === 529) return 'overloaded';
  return status === 408 || status === 409 || status >= 500 ? 'unavailable' : 'invalid';
}
