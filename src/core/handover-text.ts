import { cleanText as cleanInline } from './outgoing-text.ts';
import { cleanLine, cleanText } from './outside-text.ts';

/** What a person hands over: a sentence, and what has changed since the base. */
export interface HandedWork {
  sentence: string;
  baseBranch: string;
  base: string;
  /** Commits beyond the base that are nowhere but with the person. */
  commits: number;
  files: { status: string; path: string }[];
}

const shownFiles = 100;
const longestTitle = 100;

/** The ticket's title: the first sentence, or as much of it as a title takes. */
export function titleOf(sentence: string): string {
  const line = cleanLine(sentence.split('\n').find((part) => part.trim() !== '') ?? '', 1000);
  const first = /^.{10,}?[.!?](?=\s|$)/.exec(line)?.[0].replace(/\.$/, '') ?? line;
  if (first.length <= longestTitle) return first;
  const words = first.slice(0, longestTitle).replace(/\s+\S*$/, '');
  return `${(words === '' ? first.slice(0, longestTitle) : words).toWellFormed()}…`;
}

/** The ticket's description. */
export function describeHandedWork(work: HandedWork): string {
  const { sentence, baseBranch, base, commits, files } = work;
  const names = files
    .slice(0, shownFiles)
    .map(({ status, path }) => `- ${status} \`${cleanInline(path.replaceAll('`', "'"), 300)}\``);
  const more = files.length - names.length;
  const from = commits === 0 ? '' : `, with ${commits === 1 ? 'one commit' : `${commits} commits`} that was not pushed`;
  return [
    cleanText(sentence).trim(),
    `Handed over with a change that is not finished: ${files.length === 1 ? 'one file' : `${files.length} files`} on ` +
      `\`${base}\` of \`${baseBranch}\`${from.replace('commits that was', 'commits that were')}. The work begins with these files as they are:`,
    [...names, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n'),
  ].join('\n\n');
}
