import type { Adf } from './rows.ts';

interface Node {
  type?: string;
  text?: string;
  attrs?: Record<string, unknown>;
  content?: Node[];
}

/** What a person types into an editor: blank lines part paragraphs. */
export function textDocument(text: string): Adf {
  const lines = (paragraph: string) =>
    paragraph
      .split('\n')
      .flatMap((line, index) => [
        ...(index > 0 ? [{ type: 'hardBreak' }] : []),
        ...(line === '' ? [] : [{ type: 'text', text: line }]),
      ]);
  const content = text === '' ? [] : text.split('\n\n').map((each) => ({ type: 'paragraph', content: lines(each) }));
  return { type: 'doc', version: 1, content };
}

/** As webhooks and histories have it: Jira's older markup, of which only the plainest is written. */
export function wikiText(document: unknown): string {
  return document === null ? '' : blocks((document as Node).content ?? [], '\n\n');
}

function blocks(nodes: Node[], between: string): string {
  return nodes.map(block).join(between);
}

function block(node: Node): string {
  const inner = node.content ?? [];
  const { level = 1 } = node.attrs ?? {};
  if (node.type === 'heading') return `h${level}. ${inline(inner)}`;
  if (node.type === 'codeBlock') return `{code}\n${inline(inner)}\n{code}`;
  if (node.type === 'blockquote') return `{quote}\n${blocks(inner, '\n\n')}\n{quote}`;
  if (node.type === 'bulletList' || node.type === 'taskList' || node.type === 'decisionList')
    return inner
      .map((item) => `* ${item.content?.some(isBlock) ? blocks(item.content, '\n') : inline(item.content ?? [])}`)
      .join('\n');
  if (node.type === 'orderedList') return inner.map((item) => `# ${blocks(item.content ?? [], '\n')}`).join('\n');
  if (node.type === 'rule') return '----';
  return inner.some(isBlock) ? blocks(inner, '\n') : inline(inner);
}

const isBlock = ({ type = '' }: Node) =>
  ['paragraph', 'heading', 'codeBlock', 'table', 'tableRow', 'tableCell', 'tableHeader', 'bulletList'].includes(type) ||
  ['orderedList', 'taskList', 'listItem', 'mediaSingle', 'mediaGroup', 'panel', 'expand', 'blockquote'].includes(type);

function inline(nodes: Node[]): string {
  return nodes
    .map(({ type, text, attrs = {}, content }) => {
      if (type === 'text') return text ?? '';
      if (type === 'hardBreak') return '\n';
      if (type === 'mention') return `[~accountid:${attrs.id}]`;
      if (type === 'inlineCard') return `[${attrs.url}|${attrs.url}|smart-link]`;
      if (type === 'emoji') return String(attrs.text ?? attrs.shortName ?? '');
      return content ? inline(content) : '';
    })
    .join('');
}

/** The words of a document, as a search has them. */
export function wordsOf(document: unknown): string {
  const found: string[] = [];
  const walk = (node: Node) => {
    if (node.text !== undefined) found.push(node.text);
    if (node.type === 'mention') found.push(String(node.attrs?.text ?? ''), String(node.attrs?.id));
    for (const each of node.content ?? []) walk(each);
    if (node.content !== undefined) found.push('\n');
  };
  if (document !== null && document !== undefined) walk(document as Node);
  return found.join(' ');
}
