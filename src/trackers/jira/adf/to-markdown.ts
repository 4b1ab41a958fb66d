import { attribute, type Outside, type PanelType, panelTypes, readNode } from './document.ts';
import { cardPieces, writeInline } from './inline-to-markdown.ts';
import { leftoverText } from './leftover-text.ts';
import { encodeEntities, escapeText, protectLines } from './markdown-text.ts';
import { panelLabels } from './panels.ts';
import { writeTable } from './table-to-markdown.ts';

/** Blocks within each other; of what is nested more deeply only the text is written. */
const mostNested = 24;

const inlineTypes = new Set([
  'text',
  'hardBreak',
  'mention',
  'emoji',
  'date',
  'status',
  'inlineCard',
  'placeholder',
  'inlineExtension',
  'mediaInline',
]);

/**
 * A document of Jira as Markdown for a model to read, and for `fromMarkdown` to read again. Text that looks like Markdown stays
 * text, code is as it was. Panels are quotes that begin with their kind, dates are ISO, files `![name](attachment:id)`, people
 * `@[Name](accountId)`; of what has no form in Markdown its text is kept. Never throws, whatever it is given.
 */
export function toMarkdown(document: unknown): string {
  const node = typeof document === 'string' ? null : readNode(document);
  if (node === null) return typeof document === 'string' ? protectLines(escapeText(document)) : '';
  return writeBlocks(node.type === 'doc' ? node.content : [node], 0);
}

/** Blocks with an empty line between them; text among blocks is a paragraph. */
export function writeBlocks(nodes: readonly Outside[], depth: number): string {
  return blocksOf(nodes, depth).join('\n\n');
}

function blocksOf(nodes: readonly Outside[], depth: number): string[] {
  const blocks: string[] = [];
  let inline: Outside[] = [];
  let marker = '';
  const close = () => {
    if (inline.length > 0) blocks.push(writeInline(inline, 'paragraph'));
    inline = [];
  };
  for (const node of nodes) {
    if (inlineTypes.has(node.type)) {
      inline.push(node);
      continue;
    }
    close();
    const list = listMarker(node, marker);
    const written = depth >= mostNested ? plain(leftoverText(node)) : writeBlock(node, depth, list);
    if (written === '') continue;
    blocks.push(written);
    marker = list;
  }
  close();
  return blocks.filter((block) => block !== '');
}

/** Two lists in a row are told apart by their markers. */
function listMarker({ type }: Outside, previous: string): string {
  if (type === 'orderedList') return previous === '.' ? ')' : '.';
  if (type === 'bulletList' || type === 'taskList' || type === 'decisionList') return previous === '-' ? '*' : '-';
  return '';
}

function writeBlock(node: Outside, depth: number, marker: string): string {
  const within = () => writeBlocks(node.content, depth + 1);
  switch (node.type) {
    case 'paragraph':
    case 'caption':
      return writeInline(node.content, 'paragraph');
    case 'heading':
      return heading(node);
    case 'bulletList':
    case 'orderedList':
      return writeList(node, depth, marker);
    case 'taskList':
      return writeTasks(node, depth, marker);
    case 'decisionList':
      return node.content
        .map((item) => `${marker} **Decision:** ${indented(writeInline(item.content, 'paragraph'), 2)}`)
        .join('\n');
    case 'codeBlock':
      return writeCode(node);
    case 'blockquote':
      return quoted(within());
    case 'panel':
      return writePanel(node, depth);
    case 'rule':
      return '---';
    case 'table':
      return writeTable(node, depth);
    case 'expand':
    case 'nestedExpand':
      return details(attribute(node, 'title'), within());
    case 'mediaSingle':
      return mediaSingle(node, depth);
    case 'mediaGroup':
      return node.content.map((media) => writeInline([media], 'paragraph')).join(' ');
    case 'media':
      return writeInline([node], 'paragraph');
    case 'blockCard':
    case 'embedCard':
      return cardPieces(node)
        .map(({ kind, text }) => (kind === 'raw' ? plain(text) : text))
        .join('');
    default:
      return other(node, depth);
  }
}

/** Sections and columns of a page, extensions, and what is not known: their content, else their text. */
function other(node: Outside, depth: number): string {
  const title = attribute(node, 'text') || attribute(node, 'title');
  const content = writeBlocks(node.content, depth + 1);
  if (content !== '') return title === '' ? content : `${plain(title)}\n\n${content}`;
  return plain(leftoverText(node));
}

function plain(text: string): string {
  return protectLines(escapeText(text.replace(/\s+/g, ' ').trim()));
}

function heading(node: Outside): string {
  const level = Math.min(6, Math.max(1, Math.trunc(Number(attribute(node, 'level'))) || 1));
  const content = writeInline(node.content, 'heading').trim();
  return content === '' ? '' : `${'#'.repeat(level)} ${content}`;
}

function writeList(node: Outside, depth: number, marker: string): string {
  const order = Math.trunc(Number(attribute(node, 'order') || '1'));
  const first = order >= 0 && order < 100_000_000 ? order : 1;
  const items = node.content.map((item, index) => {
    const own = node.type === 'orderedList' ? `${first + index}${marker}` : marker;
    const blocks = item.type === 'listItem' ? item.content : [item];
    return writeItem(own, itemText(blocksOf(blocks, depth + 1)));
  });
  return joinItems(items);
}

/** A list follows its item's text at once where it can begin there, and after an empty line elsewhere. */
function itemText(blocks: readonly string[]): string {
  return blocks.reduce((written, block, index) => {
    if (index === 0) return block;
    const isTight = index === 1 && /^(?:[-*]|1[.)]) +\S/.test(block) && !/^(?:[-*] )?(?:-{3}|\*{3})/.test(block);
    const isText = !/\n\n|^(?:[-*>|#<`]|\d+[.)])/.test(written);
    return `${written}${isTight && isText ? '\n' : '\n\n'}${block}`;
  }, '');
}

function writeItem(marker: string, content: string): string {
  const item = content === '' ? marker : `${marker} ${indented(content, marker.length + 1)}`;
  return item.replace(/^(?:[-*] ){2,}[-*](?=\n|$)/, '$& &nbsp;'); // markers alone would be a rule
}

function joinItems(items: readonly string[]): string {
  return items.join(items.some((item) => item.includes('\n\n')) ? '\n\n' : '\n');
}

function writeTasks(node: Outside, depth: number, marker: string): string {
  const items: string[] = [];
  for (const item of node.content) {
    if (item.type === 'taskList') {
      const below = depth + 1 >= mostNested ? plain(leftoverText(item)) : writeTasks(item, depth + 1, '-');
      const last = items.pop();
      items.push(last === undefined ? below : `${last}\n  ${indented(below, 2)}`);
      continue;
    }
    const box = attribute(item, 'state') === 'DONE' ? '[x]' : '[ ]';
    const content =
      blocksOf(item.content, depth + 1)
        .join('\n\n')
        .trimStart() || '&nbsp;';
    items.push(writeItem(marker, `${box} ${content}`));
  }
  return joinItems(items);
}

function writeCode(node: Outside): string {
  const code = node.content
    .map((part) => (part.type === 'text' ? part.text : leftoverText(part)))
    .join('')
    .replace(/\r\n?/g, '\n');
  const longest = (code.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  const language = attribute(node, 'language')
    .trim()
    .replace(/[\s`]+/g, '-');
  return `${fence}${language}\n${code === '' ? '' : `${code}\n`}${fence}`;
}

function writePanel(node: Outside, depth: number): string {
  const type = attribute(node, 'panelType') as PanelType;
  const label = `**${panelLabels[panelTypes.includes(type) ? type : 'custom']}:**`;
  const [first, ...rest] = node.content;
  if (first?.type !== 'paragraph') return quoted(`${label}\n\n${writeBlocks(node.content, depth + 1)}`.trim());
  const text = writeInline(first.content, 'paragraph');
  return quoted(`${label}${text === '' ? '' : ` ${text}`}\n\n${writeBlocks(rest, depth + 1)}`.trim());
}

function mediaSingle(node: Outside, depth: number): string {
  const link = node.marks.find(({ type }) => type === 'link');
  const target = link ? attribute(link, 'href') : '';
  const content = writeBlocks(node.content, depth + 1);
  return target === '' ? content : `${content}\n\n${plain(target)}`;
}

function details(title: string, content: string): string {
  const summary = encodeEntities(title.replace(/\s+/g, ' ').trim());
  return `<details>\n<summary>${summary}</summary>\n\n${content === '' ? '' : `${content}\n\n`}</details>`;
}

function quoted(content: string): string {
  return content
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');
}

function indented(content: string, width: number): string {
  const indent = ' '.repeat(width);
  return content
    .split('\n')
    .map((line, index) => (index === 0 || line === '' ? line : indent + line))
    .join('\n');
}
