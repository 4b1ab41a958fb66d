import { toMarkdown } from './adf/to-markdown.ts';
import { wikiToMarkdown } from './adf/wiki-to-markdown.ts';
import type { Own } from './people.ts';

/** A text of Jira as Markdown: a document, or the older markup, as webhooks and old texts have it. */
export function markdownOf(text: unknown): string {
  if (typeof text === 'string')
    return wikiToMarkdown(text.replace(/\[~accountid:([\w:-]{1,128})\]/g, (_, id: string) => `@${id}`));
  return text === null || text === undefined ? '' : toMarkdown(text);
}

/** Whether a text speaks to the agent: it mentions its account, or has one of its names after an @. */
export function mentions(text: unknown, own: Own, names: readonly string[]): boolean {
  if (own.accountId !== '') {
    if (typeof text === 'string' && text.includes(`[~accountid:${own.accountId}]`)) return true;
    if (typeof text !== 'string' && hasMention(text, own.accountId, 0)) return true;
  }
  const plain = typeof text === 'string' ? text.replace(wikiAside, ' ') : plainOf(text, 0);
  return [...names, own.displayName].some((name) => {
    if (name === '') return false;
    return new RegExp(`(?<![\\p{L}\\p{N}_@./-])@${literally(name)}(?![\\p{L}\\p{N}_]|[-.]\\w)`, 'iu').test(plain);
  });
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** In the older markup, what is code or quoted. */
const wikiAside = /\{(code|noformat|quote)\b[^}\n]*\}[\s\S]{0,5000}?\{\1\}|\{\{[^\n]*?\}\}|^bq\. .*$/gm;

/** Text in which the agent is mentioned, with its name in place of the mention, as `readSignal` knows it. */
export function asSpoken(text: unknown, own: Own, agent: string): string {
  const body =
    typeof text === 'string'
      ? text.replaceAll(`[~accountid:${own.accountId}]`, `@${agent}`)
      : plainOf(text, 0, own, agent);
  return calledByName(body, own, agent);
}

/** What somebody says as Markdown, in which the agent has the name as `readSignal` knows it where it is mentioned. */
export function spokenOf(text: unknown, own: Own, agent: string): string {
  if (typeof text === 'string') return markdownOf(asSpoken(text, own, agent));
  const markdown = markdownOf(text);
  if (own.accountId === '') return markdown;
  const mention = new RegExp(`@\\[(?:[^\\]\\\\]|\\\\.)+\\]\\(${literally(own.accountId)}\\)`, 'g');
  return calledByName(
    markdown.replace(mention, () => `@${agent}`),
    own,
    agent,
  );
}

/** Who calls the agent by its account's name at the beginning means its own. */
function calledByName(body: string, own: Own, agent: string): string {
  const byName = `@${own.displayName.toLowerCase()}`;
  return own.displayName !== '' && body.trim().toLowerCase().startsWith(byName)
    ? `@${agent}${body.trim().slice(byName.length)}`
    : body;
}

/** What is deeper is nobody's doing. */
const mostNested = 60;

interface Node {
  type?: unknown;
  text?: unknown;
  attrs?: { id?: unknown; text?: unknown };
  content?: unknown;
  marks?: unknown;
}

function hasMention(node: unknown, accountId: string, depth: number): boolean {
  if (typeof node !== 'object' || node === null || depth > mostNested) return false;
  const { type, attrs, content } = node as Node;
  if (type === 'mention' && attrs?.id === accountId) return true;
  return Array.isArray(content) && content.some((each) => hasMention(each, accountId, depth + 1));
}

/** The words alone. What is code, or quoted, is said to nobody. */
function plainOf(node: unknown, depth: number, own?: Own, agent = ''): string {
  if (typeof node !== 'object' || node === null || depth > mostNested) return '';
  const { type, text, attrs, content, marks } = node as Node;
  const isCode = Array.isArray(marks) && marks.some((mark) => (mark as Node | null)?.type === 'code');
  if (type === 'text' && typeof text === 'string') return isCode ? ' ' : text;
  if (type === 'mention') return own && attrs?.id === own.accountId ? `@${agent}` : ' ';
  if (type === 'hardBreak') return '\n';
  if (type === 'codeBlock' || type === 'blockquote' || !Array.isArray(content)) return '';
  const inner = content.map((each) => plainOf(each, depth + 1, own, agent)).join('');
  return type === 'paragraph' || type === 'heading' ? `${inner}\n` : inner;
}
