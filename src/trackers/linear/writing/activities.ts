import type { Activity } from '../../../core/activity.ts';
import { type Mutation, sessionNow } from './mutations.ts';
import { cutLong, storable, storableLine } from './text.ts';

/** Linear says of no text how long it may be; one that it refuses is sent once more, cut to the second of these. */
const limits = { body: 250_000, refused: 20_000, line: 500 };

/** The activity under an id of ours, in an agent session. */
export function postActivity(id: string, agentSessionId: string, activity: Activity): Mutation {
  const mutation = (limit: number): Mutation => ({
    field: 'agentActivityCreate',
    args: {
      input: { type: 'AgentActivityCreateInput!', value: { id, agentSessionId, ...inputOf(activity, limit) } },
    },
    selection: `success agentActivity { id createdAt agentSession { ${sessionNow} } }`,
    makes: { kind: 'activity', id },
  });
  const isLong = textOf(activity).length > limits.refused;
  return { ...mutation(limits.body), ...(isLong && { instead: mutation(limits.refused) }) };
}

/** What it came to; `at` is missing where only its being there is known. */
export function postedAs(id: string, payload: { agentActivity?: { createdAt?: string } }): Record<string, unknown> {
  const at = payload.agentActivity?.createdAt;
  return { id, ...(at !== undefined && { at }) };
}

function inputOf(activity: Activity, limit: number): Record<string, unknown> {
  switch (activity.type) {
    case 'action': {
      const { action, parameter, result, ephemeral } = activity;
      const content = {
        type: 'action',
        action: storableLine(action, limits.line) || 'Working',
        // Linear wants one, however empty.
        parameter: storableLine(parameter, limits.line) || '-',
        ...(result !== undefined && { result: cutLong(result, limit) }),
      };
      return { content, ...(ephemeral && { ephemeral }) };
    }
    case 'thought': {
      const { body, ephemeral } = activity;
      return { content: { type: 'thought', body: bodyOf(body, limit) }, ...(ephemeral && { ephemeral }) };
    }
    case 'elicitation': {
      const { body, options = [] } = activity;
      const content = { type: 'elicitation', body: bodyOf(body, limit) };
      if (options.length === 0) return { content };
      // Linear offers them as buttons; people may still answer in words of their own.
      return {
        content,
        signal: 'select',
        signalMetadata: { options: options.map((value) => ({ value: storable(value) })) },
      };
    }
    default:
      return { content: { type: activity.type, body: bodyOf(activity.body, limit) } };
  }
}

function bodyOf(body: string, limit: number): string {
  return cutLong(body, limit) || '(empty)';
}

function textOf(activity: Activity): string {
  return activity.type === 'action' ? (activity.result ?? '') : activity.body;
}
