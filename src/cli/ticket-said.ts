import type { CaptureResult } from '../../mcp-servers/tickets/capture.ts';
import type { Cli } from './program.ts';
import { asTyped, bold, dim, oneLine } from './show.ts';

type Duplicate = Extract<CaptureResult, { status: 'duplicates' }>['duplicates'][number];
type Draft = Extract<CaptureResult, { status: 'shown' }>['drafts'][number];

const reasons: Record<Duplicate['why'], string> = {
  error: 'has the same error',
  title: 'has a similar title',
  path: 'is about the same code',
};

/**
 * What came of it. stdout has what a program wants: the URL of each ticket, alone on its line and last, or what would be
 * filed; all that is said to people is on stderr.
 */
export function tellResult(cli: Cli, result: CaptureResult): void {
  const { status, notes } = result;
  for (const note of notes) cli.tell(asTyped(note));
  if (status === 'kept') return;
  if (status === 'shown') {
    for (const each of result.drafts) cli.print(describeDraft(each));
    for (const each of result.duplicates) cli.tell(describeDuplicate(each));
    return;
  }
  if (status === 'duplicates') {
    for (const each of result.duplicates) cli.tell(describeDuplicate(each));
    return;
  }
  const added = result.tickets.map(({ identifier }) => identifier);
  for (const each of result.duplicates) if (!added.includes(each.identifier)) cli.tell(describeDuplicate(each));
  for (const { identifier, title, isAssigned } of result.tickets) {
    const how = status === 'added' ? 'Added to ' : '';
    cli.tell(`${how}${bold(identifier)} ${oneLine(title)}${isAssigned ? dim(' · the agent has it') : ''}`);
  }
  for (const { url } of result.tickets) cli.print(url);
}

export function describeDuplicate({ identifier, title, state, why, url }: Duplicate): string {
  return `${bold(identifier)} ${reasons[why]}: ${oneLine(title)} ${dim(`${state} · ${url}`)}`;
}

/** The question that people are asked about the likeliest. */
export function askAbout({ identifier, why }: Duplicate): string {
  return `${identifier} ${reasons[why]}. Add to it? [y]es / [n]ew / [q]uit `;
}

function describeDraft({ title, description, labels, priority, team, project, repository, assign }: Draft): string {
  const facts = [
    team,
    project,
    repository,
    priority === 'none' ? null : `priority ${priority}`,
    ...labels,
    assign ? 'the agent is given it' : null,
  ];
  const line = facts.filter((fact) => fact !== null && fact !== '').join(' · ');
  return [bold(oneLine(title)), ...(line === '' ? [] : [dim(line)]), '', description.trimEnd(), ''].join('\n');
}
