import * as z from 'zod';
import { oneLine } from '../outside-text.ts';
import { type CaptureResult, draftSchema, duplicateSchema, filedSchema } from './capture.ts';

type Duplicate = z.output<typeof duplicateSchema>;

/** `CaptureResult` as one object, because that is what every client takes for a tool's output. */
export const toldShape = {
  status: z.enum(['filed', 'added', 'duplicates', 'kept', 'shown']),
  tickets: z.array(filedSchema),
  duplicates: z.array(duplicateSchema),
  drafts: z.array(draftSchema).describe('of a dry run'),
  notes: z.array(z.string()),
  next: z.string().describe('what to do now'),
};

export type ToldCapture = z.output<z.ZodObject<typeof toldShape>>;

/** What came of a capture, for a model: as text, and as data that says the same. */
export function tellCapture(result: CaptureResult): { text: string; data: ToldCapture } {
  const { status, notes } = result;
  const tickets = 'tickets' in result ? result.tickets.map(clean) : [];
  const duplicates = 'duplicates' in result ? result.duplicates.map(clean) : [];
  const drafts = status === 'shown' ? result.drafts : []; // of the others the model knows what it has said
  const next = whatNext(result);
  const done = status === 'added' ? 'added to it' : 'filed';
  const lines = [
    ...tickets.map(({ url, identifier, title, isAssigned }) => {
      return `${url} ${identifier} ${quote(title)}: ${done}${isAssigned ? '; the agent has it' : ''}.`;
    }),
    ...('drafts' in result && status === 'kept' ? result.drafts.map(({ title }) => `${quote(title)}: kept.`) : []),
    ...drafts.flatMap((draft) => ['', ...tellDraft(draft), '']),
    ...(duplicates.length > 0 ? [heading(status), ...duplicates.map(tellDuplicate)] : []),
    ...notes,
    next,
  ];
  return {
    text: lines
      .filter((line, at) => line !== '' || lines[at - 1] !== '')
      .join('\n')
      .trim(),
    data: { status, tickets, duplicates, drafts, notes, next },
  };
}

function whatNext(result: CaptureResult): string {
  if (result.status === 'kept')
    return 'It is kept and will be filed by itself as soon as that can be done. Tell the user so, and do not send it again.';
  if (result.status === 'shown') return 'Nothing was filed. The same call without dryRun files it.';
  if (result.status !== 'duplicates') return '';
  const same = result.duplicates.find(({ why, isLikely }) => why === 'error' && isLikely)?.identifier;
  const example = same ?? result.duplicates[0]?.identifier;
  return [
    'Nothing was filed yet: ask the user whether it is one of these.',
    ` To add it there, make the same call with addTo${example === undefined ? '' : ` (${quote(example)}, say)`};`,
    ' to file it all the same, with anyway: true.',
    ` With nobody to ask: ${same === undefined ? 'anyway: true' : `addTo: ${quote(same)}, which has the same error`}.`,
  ].join('');
}

function heading(status: CaptureResult['status']): string {
  return status === 'duplicates' ? 'This may be there already:' : 'Similar tickets:';
}

const reasons = { error: 'the same error', title: 'a similar title', path: 'the same code' };

function tellDuplicate({ identifier, title, state, url, why }: Duplicate): string {
  return `- ${identifier} ${JSON.stringify(title)} (${state}), ${reasons[why]}: ${url}`;
}

/** Others wrote them: what is added to is theirs, too. */
function clean<Ticket extends { title: string; state?: string }>(ticket: Ticket): Ticket {
  const state = ticket.state === undefined ? {} : { state: oneLine(ticket.state, 60) };
  return { ...ticket, title: oneLine(ticket.title, 200), ...state };
}

function tellDraft(draft: z.output<typeof draftSchema>): string[] {
  const facts = [
    ...(['team', 'project', 'repository'] as const).flatMap((name) => {
      const value = draft[name];
      return value === null ? [] : [`${name} ${oneLine(value, 120)}`];
    }),
    ...(draft.priority === 'none' ? [] : [`priority ${draft.priority}`]),
    ...(draft.labels.length > 0 ? [`labels ${oneLine(draft.labels.join(', '), 300)}`] : []),
    draft.assign ? 'given to the agent' : 'given to nobody',
  ];
  return [`# ${oneLine(draft.title, 300)}`, `(${facts.join('; ')})`, '', draft.description.trim()];
}

function quote(text: string): string {
  return JSON.stringify(oneLine(text, 200));
}
