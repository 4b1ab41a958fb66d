import type { ActivityInput } from './agent-sessions.ts';
import { invalidInput } from './refusal.ts';
import type { ActivityContent } from './rows.ts';

/** What each type of activity must have, and what it may. */
const shapes: Record<string, { needs: string[]; may: string[] }> = {
  thought: { needs: ['body'], may: [] },
  action: { needs: ['action', 'parameter'], may: ['result'] },
  elicitation: { needs: ['body'], may: [] },
  response: { needs: ['body'], may: [] },
  error: { needs: ['body'], may: [] },
};

/** The content of an activity that an agent may post. Throws for any other. */
export function readActivity({ content, ephemeral, signal, signalMetadata }: ActivityInput): ActivityContent {
  const { type, ...rest } = (content ?? {}) as Record<string, unknown>;
  const shape = shapes[String(type)];
  if (!shape) throw invalidInput(`content.type must be one of ${Object.keys(shapes).join(', ')}`);
  for (const name of shape.needs)
    if (typeof rest[name] !== 'string') throw invalidInput(`content.${name} must be a string`);
  if (shape.needs.includes('body') && !String(rest.body).trim()) throw invalidInput('content.body should not be empty');
  for (const [name, value] of Object.entries(rest))
    if (!shape.needs.includes(name) && (!shape.may.includes(name) || (value !== null && typeof value !== 'string')))
      throw invalidInput(`content.${name} should not be there, or be a string`);
  if (ephemeral && type !== 'thought' && type !== 'action')
    throw invalidInput('Only thoughts and actions may be ephemeral');
  checkSignal(String(type), signal ?? null, signalMetadata ?? null);
  const name = String(type);
  return { ...rest, type: name, __typename: `AgentActivity${name[0]?.toUpperCase()}${name.slice(1)}Content` };
}

function checkSignal(type: string, signal: string | null, metadata: Record<string, unknown> | null): void {
  if (signal === null || signal === 'continue') return;
  if (signal === 'stop') throw invalidInput('An agent cannot send the signal stop');
  if (type !== 'elicitation') throw invalidInput(`The signal ${signal} belongs to an elicitation`);
  if (signal === 'auth' && typeof metadata?.url !== 'string') throw invalidInput('signalMetadata.url must be a URL');
  const options = metadata?.options as { value?: unknown }[] | undefined;
  if (signal === 'select' && !(Array.isArray(options) && options.every(({ value }) => typeof value === 'string')))
    throw invalidInput('signalMetadata.options must be a list of {label, value}');
}
