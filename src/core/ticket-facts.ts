import type { Ticket } from './ticket.ts';

/** What a field of a ticket can mean to us, whatever a tracker or a team calls it. */
export const meanings = [
  'acceptanceCriteria',
  'repository',
  'base',
  'approval',
  'stages',
  'deadline',
  'risk',
  'allowedPaths',
  'exitCommands',
] as const;
export type Meaning = (typeof meanings)[number];

/** The names that each may go by: of a custom field, or of a heading in the description. Letter case does not matter. */
export type FieldNames = Record<Meaning, string[]>;

export const defaultFieldNames: FieldNames = {
  acceptanceCriteria: ['Acceptance criteria', 'Definition of done'],
  repository: ['Repository', 'Repo'],
  base: ['Base branch', 'Base'],
  approval: ['Approval'],
  stages: ['Stages'],
  deadline: ['Deadline', 'Due date'],
  risk: ['Risk'],
  allowedPaths: ['Allowed paths'],
  exitCommands: ['Exit commands', 'Verify with'],
};

/** What the people who wrote a ticket say of the work, in our words. All of it is data from outside. */
export interface TicketFacts {
  acceptanceCriteria: string[];
  repository: string | null;
  base: string | null;
  approval: string | null;
  stages: string | null;
  deadline: string | null;
  risk: string | null;
  /** Globs; the change may touch nothing else. Empty: anything. */
  allowedPaths: string[];
  /** Shell commands that must end with 0 on the finished change. */
  exitCommands: string[];
}

/** A custom field wins over a heading of the same meaning; of several names the first that has text. */
export function readFacts(ticket: Pick<Ticket, 'fields' | 'description'>, names: FieldNames): TicketFacts {
  const fields = new Map(Object.entries(ticket.fields).map(([name, value]) => [plain(name), value.trim()]));
  const sections = readSections(ticket.description);
  const text = (meaning: Meaning): string | null => {
    const wanted = [meaning, ...names[meaning]].map(plain);
    for (const texts of [fields, sections]) {
      const found = wanted.map((name) => texts.get(name) ?? '').find((value) => value !== '');
      if (found !== undefined) return found;
    }
    return null;
  };
  const list = (meaning: Meaning) => listItems(text(meaning) ?? '');
  return {
    acceptanceCriteria: list('acceptanceCriteria'),
    repository: text('repository'),
    base: text('base'),
    approval: text('approval'),
    stages: text('stages'),
    deadline: text('deadline'),
    risk: text('risk'),
    allowedPaths: list('allowedPaths').map(bare),
    exitCommands: list('exitCommands').map(bare),
  };
}

/** "Acceptance criteria", "acceptanceCriteria", "acceptance-criteria:" are one name. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** What stands under each heading, Markdown's or a line in bold, down to the next. */
function readSections(description: string): Map<string, string> {
  const sections = new Map<string, string>();
  let name: string | null = null;
  for (const line of description.split(/\r?\n/)) {
    const heading = /^#{1,6}\s+(.{1,100})$|^\*\*(.{1,100})\*\*:?\s*$/.exec(line.trim());
    if (heading) name = plain(heading[1] ?? heading[2] ?? '');
    else if (name !== null) sections.set(name, `${sections.get(name) ?? ''}\n${line}`.trim());
  }
  return sections;
}

/** One item a line, without its bullet, number or box. */
function listItems(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/^\s*(?:[-*+•]|\d{1,3}[.)])?\s*(?:\[[ xX]?\]\s*)?/, '').trim())
    .filter((line) => line !== '' && !/^```/.test(line));
}

function bare(item: string): string {
  return item.replace(/^`+|`+$/g, '').replace(/^\$\s+/, '');
}
