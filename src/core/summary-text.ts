import { cleanText } from './outgoing-text.ts';
import type { SessionState } from './session.ts';
import type { TicketHint } from './ticket.ts';

/** What became of a ticket that the agent took by itself. */
export interface Found {
  /** The automation or the standing order. */
  by: string;
  ticket: Pick<TicketHint, 'identifier' | 'title'> | null;
  /** The order gave it back for its rating. */
  givenBack: boolean;
  /** Of its session; null: there is none, the ticket was only filed. */
  state: SessionState | null;
  /** Its last words, of a change what the agent says of it; or why nothing could be filed. */
  words: string | null;
  pullRequest: string | null;
  usd: number | null;
}

/** Something that waits for people. */
export interface Waiting {
  ticket: Pick<TicketHint, 'identifier' | 'title'>;
  /** What was asked. */
  asked: string;
  /** It was not told before. */
  isNew: boolean;
}

export interface SummaryContent {
  since: Date;
  until: Date;
  automations: Found[];
  /** Automations that were due and filed nothing, and how often. */
  skipped: { by: string; times: number; reason: string }[];
  /** Those that are paused because they failed. */
  paused: { name: string; why: string; isNew: boolean }[];
  orders: Found[];
  waiting: Waiting[];
}

const shown = 30;

/** null: there is nothing to tell. What waits is told beside other things, and not over again each day by itself. */
export function writeSummary(content: SummaryContent): string | null {
  const { automations, skipped, paused, orders, waiting } = content;
  const news = [...waiting, ...paused].filter(({ isNew }) => isNew);
  if (automations.length + skipped.length + orders.length + news.length === 0) return null;
  const sections = [
    section('What automations found', [
      ...automations.map(describe),
      ...skipped.map(({ by, times, reason }) => `- ${by}: skipped${times > 1 ? ` ${times} times` : ''}; ${reason}`),
      ...paused.map(
        ({ name, why }) => `- ${name} is paused: ${why}. Resume it: \`shipmate automations resume ${name}\``,
      ),
    ]),
    section('What standing orders took', orders.map(describe)),
    section(
      'What waits for people',
      waiting.map(({ ticket, asked }) => `- ${nameTicket(ticket)}: ${cleanText(asked, 200)}`),
    ),
  ];
  const from = `${content.since.toISOString().slice(0, 16).replace('T', ' ')} to ${content.until.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return [`From ${from}.`, ...sections.filter((text) => text !== '')].join('\n\n');
}

function section(title: string, lines: string[]): string {
  if (lines.length === 0) return '';
  const more = lines.length - shown;
  return [`## ${title}`, '', ...lines.slice(0, shown), ...(more > 0 ? [`- and ${more} more`] : [])].join('\n');
}

function describe({ by, ticket, givenBack, state, words, pullRequest, usd }: Found): string {
  const stands = givenBack ? 'given back' : describeState(state, words);
  const parts = [
    `- ${by}: ${ticket ? `${nameTicket(ticket)}: ` : ''}${stands}`,
    ...(pullRequest === null ? [] : [pullRequest]),
    ...(usd === null ? [] : [`${usd.toFixed(2)} USD`]),
  ];
  return parts.join(', ');
}

function nameTicket({ identifier, title }: Pick<TicketHint, 'identifier' | 'title'>): string {
  return `${identifier} "${cleanText(title, 120)}"`;
}

/** What it came to is quoted, beside a pull request too: that shows what was changed, and not what is left to decide. */
function describeState(state: SessionState | null, words: string | null): string {
  const quoted = words === null ? '' : `: ${cleanText(words, 300)}`;
  switch (state) {
    case 'complete':
      return `done${quoted}`;
    case 'awaitingInput':
      return 'waits for an answer';
    case 'error':
      return `failed${quoted}`;
    case 'stopped':
      return 'stopped';
    case 'pending':
    case 'active':
      return 'at work';
    case null:
      return words === null ? 'filed' : `nothing could be filed${quoted}`;
  }
}
