/**
 * Atlassian Document Format, as far as we write it; what people write in Jira is read as `Outside`, of which nothing is certain.
 * Contract: `dist/json-schema/v1/full.json` of the npm package @atlaskit/adf-schema.
 */
export interface AdfDocument {
  type: 'doc';
  version: 1;
  content: Block[];
}

export type Mark =
  | { type: 'strong' | 'em' | 'strike' | 'underline' | 'code' }
  | { type: 'link'; attrs: { href: string; title?: string } }
  | { type: 'subsup'; attrs: { type: 'sub' | 'sup' } }
  | { type: 'textColor' | 'backgroundColor'; attrs: { color: string } };

export interface Text {
  type: 'text';
  text: string;
  marks?: Mark[];
}

export interface MediaInline {
  type: 'mediaInline';
  attrs: MediaFile;
  marks?: Mark[];
}

export type Inline =
  | Text
  | MediaInline
  | { type: 'hardBreak' }
  | { type: 'mention'; attrs: { id: string; text: string } };

/** `id` is that of Atlassian's media service, `collection` where it keeps the file: '' for Jira's attachments. */
export interface MediaFile {
  type: 'file';
  id: string;
  collection: string;
  alt?: string;
}

export interface Media {
  type: 'media';
  attrs: MediaFile;
  marks?: Mark[];
}

export interface Paragraph {
  type: 'paragraph';
  content: Inline[];
}

export interface ListItem {
  type: 'listItem';
  content: Block[];
}

export type List =
  | { type: 'bulletList'; content: ListItem[] }
  | { type: 'orderedList'; attrs: { order: number }; content: ListItem[] };

export interface TaskItem {
  type: 'taskItem';
  attrs: { localId: string; state: 'TODO' | 'DONE' };
  content: Inline[];
}

/** A list below a task stands after it, not in it. */
export interface TaskList {
  type: 'taskList';
  attrs: { localId: string };
  content: (TaskItem | TaskList)[];
}

export const panelTypes = ['info', 'note', 'tip', 'warning', 'error', 'success', 'custom'] as const;
export type PanelType = (typeof panelTypes)[number];

export interface CodeBlock {
  type: 'codeBlock';
  attrs?: { language: string };
  content: Text[];
}

export interface Cell {
  type: 'tableHeader' | 'tableCell';
  content: Block[];
}

export interface Row {
  type: 'tableRow';
  content: Cell[];
}

export interface Table {
  type: 'table';
  content: Row[];
}

export type Block =
  | Paragraph
  | List
  | TaskList
  | CodeBlock
  | Table
  | { type: 'heading'; attrs: { level: number }; content: Inline[] }
  | { type: 'blockquote'; content: Block[] }
  | { type: 'panel'; attrs: { panelType: PanelType }; content: Block[] }
  | { type: 'expand' | 'nestedExpand'; attrs: { title: string }; content: Block[] }
  | { type: 'rule' }
  | { type: 'mediaSingle'; attrs: { layout: 'center' }; content: Media[] }
  | { type: 'mediaGroup'; content: Media[] };

export function adf(content: Block[]): AdfDocument {
  return { type: 'doc', version: 1, content };
}

/** `text` must not be empty. Code bears no mark beside a link: the others are dropped. */
export function text(text: string, marks: readonly Mark[] = []): Text {
  const isCode = marks.some(({ type }) => type === 'code');
  const kept = marks.filter(({ type }) => !isCode || type === 'code' || type === 'link');
  return kept.length === 0 ? { type: 'text', text } : { type: 'text', text, marks: kept };
}

export function paragraph(...content: Inline[]): Paragraph {
  return { type: 'paragraph', content };
}

export function codeBlock(code: string, language = ''): CodeBlock {
  const content = code === '' ? [] : [text(code)];
  return language === '' ? { type: 'codeBlock', content } : { type: 'codeBlock', attrs: { language }, content };
}

/** Must not be empty. */
export function bulletList(items: ListItem[]): List {
  return { type: 'bulletList', content: items };
}

/** Must not be empty. */
export function orderedList(items: ListItem[], order = 1): List {
  return { type: 'orderedList', attrs: { order }, content: items };
}

/** Begins with a paragraph, code or media, as Jira's own editor writes it. */
export function listItem(content: Block[]): ListItem {
  const [first] = content;
  const begins = first?.type === 'paragraph' || first?.type === 'codeBlock' || first?.type === 'mediaSingle';
  return { type: 'listItem', content: begins ? content : [paragraph(), ...content] };
}

export function mention(accountId: string, name: string): Inline {
  return { type: 'mention', attrs: { id: accountId, text: `@${name}` } };
}

/** Containers must not be empty. */
export function filled(content: Block[]): Block[] {
  return content.length === 0 ? [paragraph()] : content;
}

/** A node as the outside sends it. */
export interface Outside {
  type: string;
  text: string;
  attrs: Record<string, unknown>;
  marks: Outside[];
  content: Outside[];
}

/** Reads a node and leaves out what is none; what is in it is read when it is asked for, so that depth costs nothing. */
export function readNode(value: unknown): Outside | null {
  return isRecord(value) && typeof value.type === 'string' ? new LazyNode(value.type, value) : null;
}

class LazyNode implements Outside {
  readonly type: string;
  readonly text: string;
  readonly attrs: Record<string, unknown>;
  private readonly value: Record<string, unknown>;
  private nodes: Outside[] | null = null;

  constructor(type: string, value: Record<string, unknown>) {
    this.type = type;
    this.value = value;
    this.text = typeof value.text === 'string' ? value.text : '';
    this.attrs = isRecord(value.attrs) ? value.attrs : {};
  }

  get marks(): Outside[] {
    return readNodes(this.value.marks);
  }

  get content(): Outside[] {
    this.nodes ??= readNodes(this.value.content);
    return this.nodes;
  }
}

function readNodes(values: unknown): Outside[] {
  return Array.isArray(values) ? values.map(readNode).filter((node) => node !== null) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An attribute that is a text; '' where it is none. */
export function attribute(node: Outside, name: string): string {
  const value = node.attrs[name];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
