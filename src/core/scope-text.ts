import { describeEstimate, type Estimate } from './estimate.ts';
import { tellInherited } from './inherited-facts.ts';
import { cleanText } from './outgoing-text.ts';
import type { Overlap } from './overlap.ts';
import type { Confidence, Rating } from './scope.ts';
import type { TicketHint } from './ticket.ts';

/*
 * A rating as it is told: to people on the ticket, and back to the model. All words in it are the model's.
 */

const sure: Record<Confidence, string> = {
  green: 'it is clear what to do and how',
  yellow: 'it can be done; some of it is uncertain',
  red: 'something is missing before work can begin',
};

const shown = { files: 15, steps: 20, questions: 20, overlaps: 5 };

/** What stands beside the model's own words. */
export interface Findings {
  estimate: Estimate | null;
  overlaps: readonly Overlap<TicketHint>[];
  /** What the rules of the repository have to do with it. */
  tier?: string;
}

/** The rating as a lasting word on the ticket. */
export function writeRating(rating: Rating, findings: Findings): string {
  return write(rating, findings, listed('Plan:', numbered(rating.plan)));
}

/** What stands above a proposal, which says itself what is to be done. */
export function introduceProposal(rating: Rating, findings: Findings): string {
  return write(rating, findings, '');
}

/** The same above a split, with what its parts take over from the ticket. */
export function introduceSplit(rating: Rating, findings: Findings, facts: Parameters<typeof tellInherited>[0]): string {
  return write(rating, findings, tellInherited(facts));
}

function write(rating: Rating, { estimate, overlaps, tier = '' }: Findings, plan: string): string {
  return joined([
    writeHead(rating),
    writeFiles(rating.files),
    tier,
    plan,
    listed('Open questions:', bulleted(rating.questions)),
    estimate
      ? `Estimate: ${describeEstimate(estimate)}.`
      : 'Estimate: there is nothing to compare with yet; it takes three finished tickets.',
    ...writeOverlaps(overlaps),
  ]);
}

/** The one comment on a ticket that cannot be worked on as it is. */
export function writeMissing(rating: Rating, missing: readonly string[]): string {
  const wanted = bulleted([...rating.questions, ...missing]);
  return joined([
    writeHead(rating),
    wanted.length > 0
      ? listed('What is missing:', wanted)
      : rating.confidence === 'red'
        ? 'What is missing: I could not tell how to do this from what the ticket says. Say more of what is wanted.'
        : 'I know of nothing that is missing: say "continue", and I begin.',
    writeFiles(rating.files),
    'Answer here or edit the ticket, and I rate it again. Nothing was changed.',
  ]);
}

export function writeWaiting(rating: Rating, findings: Findings, waitsFor: readonly TicketHint[]): string {
  return joined([writeRating(rating, findings), writeWaitsFor(waitsFor)]);
}

export function writeWaitsFor(tickets: readonly TicketHint[]): string {
  const names = tickets.map(({ identifier }) => cleanText(identifier, 80)).join(', ');
  return `I wait until the work on ${names} rests, because it touches the same files (\`policy.overlap\`). Say "continue" to have me begin at once.`;
}

/** What the model is told of the sessions beside its own. */
export function tellOverlaps(overlaps: readonly Overlap<TicketHint>[]): string {
  return writeOverlaps(overlaps).join('\n');
}

function writeHead({ confidence, size }: Rating): string {
  return `**Rated ${confidence}, size ${size}**: ${sure[confidence]}.`;
}

function writeFiles(files: readonly string[]): string {
  if (files.length === 0) return '';
  return `Likely files: ${namesOf(files)}.`;
}

function namesOf(files: readonly string[]): string {
  const names = files.slice(0, shown.files).map((path) => `\`${cleanText(path.replaceAll('`', "'"), 150)}\``);
  const more = files.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function writeOverlaps(overlaps: readonly Overlap<TicketHint>[]): string[] {
  return overlaps
    .slice(0, shown.overlaps)
    .map(
      ({ session: { identifier }, files }) =>
        `${cleanText(identifier, 80)} is being worked on at the same time and touches ${namesOf(files)} too.`,
    );
}

function numbered(lines: readonly string[]): string[] {
  return lines.slice(0, shown.steps).map((line, index) => `${index + 1}. ${cleanText(line, 300)}`);
}

function bulleted(lines: readonly string[]): string[] {
  return lines.slice(0, shown.questions).map((line) => `- ${cleanText(line, 600)}`);
}

function listed(head: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [head, ...lines].join('\n');
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}
