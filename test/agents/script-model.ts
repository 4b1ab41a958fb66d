import type { Model, ModelReply, ModelRequest } from '../../src/models/model.ts';

export type Scripted = Partial<ModelReply> | Error | ((request: ModelRequest) => Partial<ModelReply>);

export interface ScriptModel extends Model {
  /** Every request as JSON, in order. */
  sent: string[];
  requests(): ModelRequest[];
}

/**
 * Plays its entries in order, one for each new request. The same request again gets the same reply, as after a crash; an
 * error is given once.
 */
export function createScriptModel(script: Scripted[], contextWindow = 200_000): ScriptModel {
  const entries = [...script];
  const replies = new Map<string, ModelReply>();
  const sent: string[] = [];
  return {
    id: 'test:script',
    contextWindow,
    sees: true,
    sent,
    requests: () => sent.map((json) => JSON.parse(json)),
    cost: () => 0.01,
    async complete(request, signal) {
      signal.throwIfAborted();
      const json = JSON.stringify(request);
      sent.push(json);
      const known = replies.get(json);
      if (known) return known;
      const entry = entries.shift();
      if (entry instanceof Error) throw entry;
      if (!entry) throw new Error('the script has ended');
      const partial = typeof entry === 'function' ? entry(request) : entry;
      const calls = partial.calls ?? [];
      const usage = { input: 10, output: 5, cacheRead: 0, cacheWrite: 0 };
      const reply = {
        text: '',
        usage,
        finish: calls.length > 0 ? 'toolCalls' : 'stop',
        ...partial,
        calls,
      } as ModelReply;
      replies.set(json, reply);
      return reply;
    },
    check: async () => [],
  };
}

/** A reply that calls tools. */
export function calling(...calls: [name: string, input?: unknown][]): Partial<ModelReply> {
  return { calls: calls.map(([name, input = {}], index) => ({ id: `call-${index + 1}`, name, input })) };
}
