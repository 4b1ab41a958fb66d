import { isBugTicket } from './bug-ticket.ts';
import { grouped } from './cut-text.ts';
import { createFenceReader, isFence } from './markdown.ts';
import { cleanLine, withoutHidden } from './outside-text.ts';
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
  const fields = new Map(Object.entries(ticket.fields).map(([name, value]) => [plain(name), said(value)]));
  const known = new Set(meanings.flatMap((meaning) => [meaning, ...names[meaning]].map(plain)));
  const sections = readSections(withoutComments(ticket.description), known);
  const read = (meaning: Meaning, under: Map<string, string>): string | null => {
    const wanted = [meaning, ...names[meaning]].map(plain);
    for (const texts of [fields, under]) {
      const found = wanted.map((name) => texts.get(name) ?? '').find((value) => value !== '');
      if (found !== undefined) return found;
    }
    return null;
  };
  const text = (meaning: Meaning) => read(meaning, sections.own);
  const list = (meaning: Meaning) => listItems(text(meaning) ?? '');
  return {
    // People group criteria; a note under a heading among commands or paths is none of those.
    acceptanceCriteria: listItems(read('acceptanceCriteria', sections.whole) ?? ''),
    repository: text('repository'),
    base: text('base'),
    approval: text('approval'),
    stages: text('stages'),
    deadline: text('deadline'),
    risk: text('risk'),
    allowedPaths: list('allowedPaths').map(bare),
    exitCommands: list('exitCommands').map(bareCommand),
  };
}

const most = { commands: 20, characters: 1_000 };

/** What is run of a ticket's exit commands: each as it is written, without what people do not see of it. */
export function exitCommandsOf({ exitCommands }: Pick<TicketFacts, 'exitCommands'>): string[] {
  return exitCommands.slice(0, most.commands).map((command) => withoutHidden(command).replaceAll('\n', ' '));
}

/** Why a ticket's exit commands cannot all be run, for people; '' when they can. */
export function oddCommandsOf({ exitCommands }: Pick<TicketFacts, 'exitCommands'>): string {
  const long = exitCommands.filter((command) => command.length > most.characters).slice(0, most.commands);
  const shown = (command: string) => cleanLine(command.replaceAll('`', "'"), 100);
  const odd = [
    ...(exitCommands.length > most.commands
      ? [`- There are ${grouped(exitCommands.length)}, and I run the first ${most.commands}.`]
      : []),
    ...long.map(
      (command) =>
        `- \`${shown(command)}\`: it has ${grouped(command.length)} characters, of ${grouped(most.characters)} at most.`,
    ),
  ];
  return odd.length === 0 ? '' : `The ticket's exit commands are too many or too long:\n\n${odd.join('\n')}`;
}

/** How a deadline that is a date stands to now; null for one that is none, or is further off than a day. */
export function judgeDeadline(deadline: string, now: Date): 'past' | 'near' | null {
  const date = /^\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?/.exec(deadline.trim())?.[0];
  if (date === undefined) return null;
  // A day lasts until its end.
  const until = date.length === 10 ? Date.parse(date) + 24 * 3_600_000 : Date.parse(date);
  if (Number.isNaN(until)) return null;
  const left = until - now.getTime();
  return left <= 0 ? 'past' : left <= 24 * 3_600_000 ? 'near' : null;
}

/** What a good ticket has and this one lacks, as parts of a sentence; the most useful first. */
export function missingParts(
  ticket: Pick<Ticket, 'title' | 'description' | 'labels' | 'fields' | 'attachments'>,
  facts: TicketFacts,
): string[] {
  const text = withoutComments(ticket.description).trim();
  const isBug = isBugTicket(ticket);
  const parts: [boolean, string][] = [
    [text === '', 'a description: what is wanted, and why'],
    [isBug && !tellsHowToSee(text), 'how to see the bug: the steps, what happens, and what should happen'],
    [facts.acceptanceCriteria.length === 0, 'acceptance criteria: what must hold when it is done, one a line'],
    [
      ticket.attachments.every(({ isOwn }) => isOwn) &&
        /\b(mock-?ups?|screenshots?|attached|attachments?)\b/i.test(text),
      'the file that it mentions: nothing is attached',
    ],
  ];
  return parts.flatMap(([isMissing, part]) => (isMissing ? [part] : []));
}

function tellsHowToSee(text: string): boolean {
  return (
    /\b(steps|reproduc\w*|how to see|expected|actual(ly)?|instead of|should|when (i|you|we|the|a)\b)/i.test(text) ||
    /\b(error|exception|traceback|stack ?trace)\b|^\s+at .+:\d+/im.test(text)
  );
}

/** "Acceptance criteria", "acceptanceCriteria", "acceptance-criteria:" are one name. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** Without what people write to say that there is nothing to say. */
function said(text: string): string {
  const value = text.trim();
  return /^(none|nothing|no|n\/?a|tbd|_?no response_?|[-–—]+)\.?$/i.test(value) ? '' : value;
}

/** The hints of a template. One that never closes stays. */
export function withoutComments(text: string): string {
  const kept: string[] = [];
  let from = 0;
  for (;;) {
    const begin = text.indexOf('<!--', from);
    const end = begin < 0 ? -1 : text.indexOf('-->', begin + 4);
    if (end < 0) return kept.join('') + text.slice(from);
    kept.push(text.slice(from, begin));
    from = end + 3;
  }
}

/**
 * A heading: Markdown's, or a line in bold, which is deeper than any of those. null: none. What begins or ends with a slash
 * is a glob.
 */
function headingOf(line: string): { name: string; depth: number } | null {
  const [, marks, title = '', bold = ''] =
    /^(#{1,6})\s+(.{1,100})$|^\*\*(?!\/)(.{1,100})(?<!\/)\*\*:?$/.exec(line.trim()) ?? [];
  if (title === '' && bold === '') return null;
  return { name: plain(title || bold), depth: marks?.length ?? 7 };
}

/**
 * What stands under each heading, of two of one name the first with text. `own`: down to the next heading. `whole`: down to
 * the next that is as high or higher, or that is one of the `known` names, which is a part of the ticket wherever it stands.
 * What is folded away is a section of its own, by its title, and the text goes on behind it.
 */
function readSections(description: string, known: ReadonlySet<string>): Record<'own' | 'whole', Map<string, string>> {
  const sections: Section[] = [];
  let at: { last: Section | null; open: Section[] } = { last: null, open: [] };
  /** Where the text goes on behind each fold that is open; null: the fold is a part of what it stands in. */
  const folds: (typeof at | null)[] = [];
  const isInCode = createFenceReader();
  const begin = (heading: Pick<Section, 'name' | 'depth'>, open: Section[]) => {
    const section = { ...heading, own: [], whole: [] };
    sections.push(section);
    at = { last: section, open: [...open, section] };
  };
  for (const line of description.split(/\r?\n/)) {
    const isCode = isInCode(line);
    const fold = isCode ? null : foldIn(line, folds.length > 0);
    if (fold === 'end') at = folds.pop() ?? at;
    else if (fold && fold !== 'title') {
      // Right behind a heading it is what the heading has to say; behind that it is something else.
      const isPart = at.last?.own.every((above) => above.trim() === '') === true && !known.has(fold.name);
      folds.push(isPart ? null : at);
      if (!isPart) begin(fold, []);
    }
    if (fold) continue;
    const heading = isCode ? null : headingOf(line);
    const { open } = at;
    if (heading) at.open = known.has(heading.name) ? [] : open.filter(({ depth }) => depth < heading.depth);
    else at.last?.own.push(line);
    for (const { whole } of at.open) whole.push(line);
    if (heading) begin(heading, at.open);
  }
  const texts = { own: new Map<string, string>(), whole: new Map<string, string>() };
  for (const { name, ...lines } of sections) {
    const own = lines.own.join('\n');
    const saysNothing = own.trim() !== '' && said(own) === '';
    if (!texts.own.get(name)) texts.own.set(name, said(own));
    if (!texts.whole.get(name)) texts.whole.set(name, saysNothing ? '' : said(lines.whole.join('\n')));
  }
  return texts;
}

interface Section {
  name: string;
  depth: number;
  own: string[];
  whole: string[];
}

/** Where something is folded away, as trackers write it. */
function foldIn(line: string, isOpen: boolean): { name: string; depth: number } | 'title' | 'end' | null {
  const html = /^\s*<details\b[^>]*>(?:\s*<summary>(.*?)<\/summary>)?\s*$/i.exec(line);
  const title = html ? (html[1] ?? '') : /^\+\+\+\s+(\S.*)$/.exec(line)?.[1];
  if (title !== undefined) return { name: plain(title), depth: 7 };
  if (!isOpen) return null;
  if (/^\s*<summary>.*<\/summary>\s*$/i.test(line)) return 'title';
  return /^\s*<\/details>\s*$|^\+\+\+\s*$/i.test(line) ? 'end' : null;
}

const bullet = /^\s*(?:[-*+•]\s+|\d{1,3}[.)]\s+)(?:\[[ xX]?\]\s*)?|^\s*\[[ xX]?\]\s+/;

/** A rule, or where the ticket belongs (`routeTicket` reads it). */
const noItem = /^([-*_])(?:\s*\1){2,}$|^\[repo\s*=[^\][]*\]$/i;

/**
 * One item a line, without its bullet, number or box; an indented line without one goes on with the item before it. Outside
 * of code a heading, a rule and the name of the repository are none.
 */
function listItems(text: string): string[] {
  const items: string[] = [];
  let wasBullet = false;
  const isInCode = createFenceReader();
  for (const line of text.split(/\r?\n/)) {
    const isCode = isInCode(line);
    const item = line.replace(bullet, '').trim();
    if (item === '' || isFence(item)) continue;
    const isItem = isCode || !(headingOf(line) || noItem.test(line.trim()) || noItem.test(item));
    const isBullet = isItem && bullet.test(line);
    if (isItem && !isBullet && wasBullet && /^\s{2,}/.test(line)) items[items.length - 1] += ` ${item}`;
    else {
      if (isItem) items.push(item);
      wasBullet = isBullet;
    }
  }
  return items;
}

/** A command may begin or end with backticks of its own. */
function bareCommand(item: string): string {
  const [, ticks = '', inner = ''] = /^(`+)(.+)\1$/.exec(item) ?? [];
  return (inner === '' || inner.includes(ticks) ? item : inner).replace(/^\$\s+/, '');
}

function bare(item: string): string {
  return item.replace(/^`+|`+$/g, '').replace(/^\$\s+/, '');
}
