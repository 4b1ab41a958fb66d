import { nameThem } from './people.ts';
import type { FieldNames, TicketFacts } from './ticket-facts.ts';

/** What holds for a ticket holds for the parts of it, too; in words for people. */
const inherited = {
  allowedPaths: 'allowed paths',
  exitCommands: 'exit commands',
  approval: 'approval',
  risk: 'risk',
  deadline: 'deadline',
} as const;
type Inherited = keyof typeof inherited;

/**
 * The fields that a part of a ticket is filed with, under the first name that tickets have for each. As they are written: a
 * command that is cleaned is another command.
 */
export function inheritedFields(facts: Pick<TicketFacts, Inherited>, names: FieldNames): Record<string, string> {
  return Object.fromEntries(wordsOf(facts).map(([meaning, text]) => [names[meaning][0] ?? meaning, text]));
}

/** Said of a split before people approve it; '' where the parts inherit nothing. */
export function tellInherited(facts: Pick<TicketFacts, Inherited>): string {
  const told = wordsOf(facts).map(([meaning]) => inherited[meaning]);
  return told.length === 0 ? '' : `What this ticket says of ${nameThem(told, 'and')} holds for each part.`;
}

function wordsOf(facts: Pick<TicketFacts, Inherited>): [Inherited, string][] {
  return (Object.keys(inherited) as Inherited[]).flatMap((meaning) => {
    const said = facts[meaning];
    const text = Array.isArray(said) ? said.join('\n') : (said ?? '');
    return text === '' ? [] : [[meaning, text]];
  });
}
