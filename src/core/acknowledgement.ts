import { readWord } from './approval.ts';
import { grouped } from './cut-text.ts';
import { cleanText } from './outgoing-text.ts';
import { nameThem } from './people.ts';
import { readOf, unreadComments } from './prompt-text.ts';
import type { Person, TicketComment } from './ticket.ts';

/** What is added to the answer to a comment that is too long to be read whole; '' for any other. */
export function noteLength(body: string): string {
  const long = readOf(body);
  return long
    ? `Your comment has ${grouped(long.characters)} characters; I read the first and the last ${grouped(long.read / 2)}. All of it is kept: tell me if what matters stands between.`
    : '';
}

/**
 * Which comments of a ticket are too long, or too many, to be read whole when work on it begins; '' where all are. Those that
 * are read as prompts are read apart from this.
 */
export function noteComments(
  comments: readonly TicketComment[],
  isPrompt: (comment: TicketComment) => boolean,
): string {
  const { cut, read, left } = unreadComments(comments);
  const inPart = cut.filter(({ comment }) => !isPrompt(comment));
  const unread = left.filter((comment) => !isPrompt(comment)).length;
  const named = inPart
    .slice(0, 5)
    .map(({ comment, characters }) => `${cleanText(comment.author.name, 40)}'s of ${grouped(characters)} characters`);
  const more = inPart.length - named.length;
  const notes = [
    inPart.length === 0
      ? ''
      : `Of these comments I read only the first and the last ${grouped(read / 2)} characters: ${nameThem(more > 0 ? [...named, `${more} more`] : named, 'and')}.`,
    unread === 0 ? '' : `The earliest ${unread === 1 ? 'comment' : `${grouped(unread)} comments`} here I did not read.`,
  ].filter((note) => note !== '');
  return notes.length === 0 ? '' : `${notes.join(' ')} Tell me if what matters stands there.`;
}

const assents = ['ok', 'okay', 'sure', 'yep', 'nope', 'yes please', 'no thanks'];

/** Whether a comment is short enough to be nothing but an answer. */
export function mayBeBareAnswer(text: string): boolean {
  return text.length <= 300;
}

/** Whether a comment only makes sense as an answer: a yes or no, a number, or one of the `options` that were offered. */
export function isBareAnswer(text: string, options: readonly string[]): boolean {
  if (!mayBeBareAnswer(text)) return false;
  const body = text.replace(/^\s*@\S+[\s,:]+/, '');
  const { says } = readWord(body, '');
  if (says === 'approve' || says === 'reject') return true;
  const plain = (text: string) =>
    text
      .trim()
      .toLowerCase()
      .replace(/\s+/g, ' ')
      .replace(/^["'`]+|["'`.!]+$/g, '');
  const said = plain(body);
  return assents.includes(said) || /^(option )?[0-9]{1,2}$/.test(said) || options.some((each) => plain(each) === said);
}

export function noteNoQuestion(body: string): string {
  return `No question is open here, so I take "${cleanText(body, 100)}" as a new wish.`;
}

/** To someone whose words are not followed here. */
export function writeToStranger(stranger: Person, speakers: readonly string[], wantsStop: boolean): string {
  const name = cleanText(stranger.name, 80);
  const who = speakers.length === 0 ? 'people who may write here' : nameThem(speakers, 'and');
  return wantsStop
    ? `${name}, I did not stop: on this ticket I take orders from ${who}. Ask one of them.`
    : `${name}, I take orders on this ticket from ${who}; your comment is noted as information.`;
}
