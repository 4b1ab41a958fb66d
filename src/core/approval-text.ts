import type { Approvers, Decision, Refusal, Word } from './approval.ts';
import type { ApprovalMarks } from './marking.ts';
import { cleanMarkdown, cleanText } from './outgoing-text.ts';
import { nameThem } from './people.ts';
import { type Proposal, partLimits } from './proposal.ts';
import type { Person } from './ticket.ts';

/** What people read about a proposal, and what the model is told of it. */
export interface Named {
  code: string;
  content: Proposal;
}

/** The answers that are offered with a proposal. */
export const proposalOptions = ['Approve', 'Reject'];

const limits = { message: 4000, step: 2000 };

/** "the plan 3fa2c1" */
export function nameOf({ code, content }: Named): string {
  return `the ${content.kind} ${code}`;
}

/** The proposal as people are asked to decide on it. `message` is what the agent says to it. */
export function writeProposal(
  proposal: Named & { message: string; silenceMinutes: number | null },
  approvers: Pick<Approvers, 'by'>,
  marks: ApprovalMarks = {},
): string {
  const { code, content, silenceMinutes } = proposal;
  const message = cleanMarkdown(proposal.message, limits.message);
  const head = content.kind === 'plan' ? `**Plan ${code}**` : `**Split ${code}**: these tickets instead of one`;
  const ways =
    `Say "approve" and I carry it out, "reject" and I stop; anything else is a comment, and I propose it anew. ` +
    `"approve ${code}" is for exactly this ${content.kind}.`;
  const who = approvers.by.length === 0 ? '' : ` ${nameThem(approvers.by, 'or')} may approve it.`;
  const silence =
    silenceMinutes === null
      ? 'Until then I wait, however long it takes, and change nothing.'
      : `If nobody says anything within ${inMinutes(silenceMinutes)}, I go ahead.`;
  return [message, head, writeContent(content), `${ways}${writeMarks(marks)}${who} ${silence}`]
    .filter((part) => part !== '')
    .join('\n\n');
}

function writeMarks({ label, rejectLabel, field }: ApprovalMarks): string {
  const quoted = (name: string) => `"${cleanText(name, 100)}"`;
  const yes = label ? ` The label ${quoted(label)} approves it, too.` : '';
  const no = rejectLabel ? ` The label ${quoted(rejectLabel)} rejects it${label ? '' : ', too'}.` : '';
  return `${yes}${no}${field ? ` So does the field ${quoted(field)}, by what it says from now on.` : ''}`;
}

function writeContent(content: Proposal): string {
  if (content.kind === 'plan')
    return content.steps.map((step, index) => `${index + 1}. ${indented(step, limits.step)}`).join('\n');
  return content.parts
    .map(({ title, description, repository, after }, index) => {
      const facts = [
        repository === null ? '' : `in ${cleanText(repository, 100)}`,
        after.length === 0 ? '' : `after ${after.map((place) => place + 1).join(', ')}`,
      ].filter((fact) => fact !== '');
      const note = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
      const text = indented(description, partLimits.description);
      return `${index + 1}. **${cleanText(title, 300)}**${note}${text === '' ? '' : `\n   ${text}`}`;
    })
    .join('\n');
}

function indented(text: string, limit: number): string {
  return cleanMarkdown(text, limit).replaceAll('\n', '\n   ');
}

/** Said again where nothing new was decided. */
export function writeWaits(proposal: Named, { by }: Pick<Approvers, 'by'>): string {
  const who = by.length === 0 ? 'someone says' : `${nameThem(by, 'or')} says`;
  return `${capital(nameOf(proposal))} still waits: I go on when ${who} "approve ${proposal.code}". "reject" ends it, and a comment has me propose it anew.`;
}

/** Why an approval, or a no to something else, does not count. `waits`: nothing else has decided on it or changes it. */
export function writeRefusal(
  { word, why }: Refusal,
  proposal: Named,
  { by }: Pick<Approvers, 'by'>,
  waits: boolean,
): string {
  const name = showName(word.author);
  const newer = `${nameOf(proposal)} is the newest: look at it, and say "approve ${proposal.code}" if it is what you want`;
  if (why === 'notAllowed')
    return `${name}, only ${nameThem(by, 'or')} may approve here${waits ? `, so ${nameOf(proposal)} still waits for that` : ''}.`;
  if (why === 'notShown') return `${name}, what you approved has changed since: ${newer}.`;
  return `${name}, that is not what is proposed now: ${newer}.`;
}

/** To both of two people who decided differently at once. */
export function writeDiffering([earlier, later]: NonNullable<Decision['differ']>, isApproved: boolean): string {
  const result = isApproved ? 'it counts as approved' : 'it is not approved';
  return (
    `${showName(earlier.author)} and ${showName(later.author)} decided differently within a second of each other. ` +
    `What ${showName(later.author)} said holds, so ${result}. Say so if it should be otherwise.`
  );
}

/** Told on the ticket when silence has approved it. */
export function writeSilence(proposal: Named, minutes: number): string {
  return `Nobody objected to ${nameOf(proposal)} within ${inMinutes(minutes)}, so I go ahead. "reject" still stops me.`;
}

/** `isRevised`: what was said has it proposed anew. */
export function writeTakenBack(proposal: Named, isRevised: boolean): string {
  const name = nameOf(proposal);
  return isRevised
    ? `Something was said about ${name} before I went ahead with it, so it is not approved; I take that in and propose it anew.`
    : `Before I went ahead with ${name} something was said or done here that I did not know of, so it is not approved: it waits for a yes.`;
}

/** Told where a yes is not carried out because nobody would read what was said beside it. */
export function writeUnheard(proposal: Named, by: Person): string {
  return `${showName(by)} approved ${nameOf(proposal)}, but more was said or edited that I had not read when I proposed it. I take that in and propose it anew; nothing is filed yet.`;
}

/** Told once of each word or edit that came after the yes, by who may not give one: it is taken in all the same. */
export function writeBeyond(
  word: Pick<Word, 'author'>,
  proposal: Named,
  by: Person | null,
  { by: approvers }: Pick<Approvers, 'by'>,
): string {
  const approved = by
    ? `${showName(by)} approved ${nameOf(proposal)}`
    : `${capital(nameOf(proposal))} was approved because nobody objected`;
  const what = word.author.id === '' ? 'The ticket was edited since' : `${showName(word.author)} has said more since`;
  return (
    `${approved}. ${what}: I take that into account, but it is not part of what was approved. ` +
    `If it should not be, ${nameThem(approvers, 'or')} can say so, or "reject" to stop me.`
  );
}

/** What the model is told with such words. */
export function noteBeyond(proposal: Named): string {
  return `Some of what is said or edited now came after ${nameOf(proposal)} was approved, from who may not approve: keep to what was approved, and ask where the two do not go together.`;
}

/** Why the session stopped, in one sentence. */
export function writeRejected(proposal: Named, by: Person | null): string {
  return `Stopped: ${by ? showName(by) : 'somebody'} rejected ${nameOf(proposal)}.`;
}

/** What the model is told once it may carry out what it proposed. */
export function noteApproved(proposal: Named, by: Person | null): string {
  const name = nameOf(proposal);
  return by
    ? `${showName(by)} approved ${name}: carry it out.`
    : `Nobody objected to ${name} in time, so it counts as approved: carry it out.`;
}

export function noteRevise(proposal: Named): string {
  return `${capital(nameOf(proposal))} is not approved. Take in what people say and propose it anew with scope; change nothing before they approve.`;
}

/** What the model is told with new words, where nothing is proposed yet that people want to approve first. */
export const notePlanWanted =
  'People approve a plan before anything is changed for this: call scope with it first. A question you may just answer.';

/** What a call is answered that would change something too early. `proposal`: null where nothing is proposed. */
export function refuseCall(tool: string, proposal: Named | null): string {
  if (proposal === null)
    return `${tool} was not called: people approve a plan before anything is changed. Call scope with it; where there is no scope, ask.`;
  return `${tool} was not called: ${nameOf(proposal)} is not approved. Call scope with what you propose now, or ask.`;
}

/** Two people's answers to one question, the one that holds last: on the ticket, and to the model. */
type TwoAnswers = readonly [earlier: Pick<Word, 'author' | 'body'>, later: Pick<Word, 'author' | 'body'>];

export function writeTwoAnswers([earlier, later]: TwoAnswers): string {
  const [one, other] = [showName(earlier.author), showName(later.author)];
  return `${one} and ${other} answered differently within a second of each other. I take the later answer, ${other}'s. Say so if it should be the other.`;
}

export function noteTwoAnswersOf([earlier, later]: TwoAnswers): string {
  const [one, other] = [showName(earlier.author), showName(later.author)];
  return `${one} and ${other} answered differently within a second of each other. The later answer, ${other}'s, holds; the ticket says so.`;
}

function showName({ name }: Person): string {
  return cleanText(name, 80);
}

function inMinutes(minutes: number): string {
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
