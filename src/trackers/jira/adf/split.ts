import {
  type AdfDocument,
  adf,
  type Block,
  type CodeBlock,
  paragraph,
  type Table,
  type Text,
  text,
} from './document.ts';

/**
 * What Jira keeps in a comment or a description, in characters. Its error tells only that the text is too long; that texts shorter
 * than this were refused shows that more than their letters counts. We count the JSON of the document, which is the longest form
 * that it can be kept in, so that a part is never refused, though it may be smaller than it had to be.
 */
export const mostCharacters = 32_767;

/** For `(2 of 3)`, which stands before each part. */
const headCharacters = 120;

/**
 * The document in parts that each fit, in order, with `(2 of 3)` before each where there are several. It is cut between blocks,
 * items and rows; code goes on as code, and a table with its row of headings again. Nothing else is said twice or lost. A single
 * piece that is longer than a part by its address alone (a link of 30,000 characters) is a part of its own, and too long.
 */
export function splitDocument(document: AdfDocument, limit = mostCharacters): AdfDocument[] {
  if (sizeOf(document) <= limit) return [document];
  const room = Math.max(limit - headCharacters, 200);
  const parts = pack(document.content, room - sizeOf(adf([])));
  return parts.map((content, index) => adf([paragraph(text(`(${index + 1} of ${parts.length})`)), ...content]));
}

function sizeOf(node: unknown): number {
  return JSON.stringify(node).length;
}

/** Fills parts of that size with nodes; what is larger than one is cut. No part ends with a heading that is not its only one. */
function pack(nodes: readonly Block[], room: number): Block[][] {
  const parts: Block[][] = [];
  let part: Block[] = [];
  let left = room;
  const close = () => {
    if (part.length > 0) parts.push(part);
    part = [];
    left = room;
  };
  const add = (node: Block, size: number) => {
    if (size > left) close();
    part.push(node);
    left -= size;
  };
  for (const node of nodes) {
    const size = sizeOf(node) + 1;
    if (size <= left) {
      add(node, size);
      continue;
    }
    if (size <= room) {
      const heading = part.at(-1)?.type === 'heading' && part.length > 1 ? part.pop() : undefined;
      close();
      if (heading) add(heading, sizeOf(heading) + 1);
      add(node, size);
      continue;
    }
    for (const piece of cut(node, left, room)) add(piece, sizeOf(piece) + 1);
  }
  close();
  return parts;
}

/** A block as several of its kind; the first as large as `first` if it can be, the others as `room`. */
function cut(node: Block, first: number, room: number): Block[] {
  const begin = first < room / 4 ? room : first;
  switch (node.type) {
    case 'codeBlock':
      return cutCode(node, begin, room);
    case 'table':
      return cutTable(node, begin, room);
    case 'rule':
      return [node];
    case 'paragraph':
    case 'heading':
      return cutRun(node, begin, room);
    case 'orderedList': {
      let next = node.attrs.order;
      return cutContent(node, node.content, begin, room).map((content) => {
        const order = content[0] && continued.has(content[0]) ? Math.max(0, next - 1) : next;
        next = order + content.length;
        return { ...node, attrs: { order }, content };
      });
    }
    case 'taskList':
      return cutContent(node, node.content, begin, room).map((content, index) => ({
        ...node,
        attrs: { ...node.attrs, localId: index === 0 ? node.attrs.localId : `${node.attrs.localId}-${index}` },
        content,
      }));
    default:
      return cutContent(node, node.content as readonly Block[], begin, room).map(
        (content) => ({ ...node, content }) as Block,
      );
  }
}

/** Items that go on with one that was cut: they bear its number again. */
const continued = new WeakSet<object>();

/** What stands in a container, in groups that fit; what does not fit alone is cut in its turn. */
function cutContent<T extends { type: string }>(
  node: Block,
  content: readonly T[],
  first: number,
  room: number,
): T[][] {
  const shell = sizeOf({ ...node, content: [] });
  const groups: T[][] = [];
  let group: T[] = [];
  let left = first - shell;
  const whole = room - shell;
  for (const child of content) {
    const size = sizeOf(child) + 1;
    const pieces = size <= whole ? [child] : cutChild(child, whole);
    for (const piece of pieces) {
      const length = pieces.length === 1 ? size : sizeOf(piece) + 1;
      if (length > left && group.length > 0) {
        groups.push(group);
        group = [];
      }
      if (group.length === 0 && groups.length > 0) left = whole;
      group.push(piece);
      left -= length;
    }
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function cutChild<T extends { type: string }>(child: T, room: number): T[] {
  const node = child as unknown as Block | { type: 'listItem'; content: Block[] } | { type: 'taskItem'; content: [] };
  if (node.type === 'taskItem') return cutRun(node, room, room) as unknown as T[];
  if (node.type !== 'listItem') return cut(node as Block, room, room) as unknown as T[];
  const items = cutContent(node as never, node.content, room, room).map((content) => ({ ...node, content }));
  for (const item of items.slice(1)) continued.add(item);
  return items as unknown as T[];
}

/** Text of one run in several; a word is cut only where it is longer than a part. */
function cutRun<T extends { type: string; content: unknown[] }>(node: T, first: number, room: number): T[] {
  const shell = sizeOf({ ...node, content: [] });
  const runs: unknown[][] = [];
  let run: unknown[] = [];
  let left = first - shell;
  const close = () => {
    if (run.length > 0) runs.push(run);
    run = [];
    left = room - shell;
  };
  for (const inline of node.content) {
    const size = sizeOf(inline) + 1;
    if (size <= left) {
      run.push(inline);
      left -= size;
      continue;
    }
    const pieces = isText(inline) ? cutText(inline, left, room - shell) : [inline];
    for (const piece of pieces) {
      const length = sizeOf(piece) + 1;
      if (length > left) close();
      run.push(piece);
      left -= length;
    }
  }
  close();
  return runs.map((content, index) =>
    node.type === 'taskItem' && index > 0 ? { ...node, attrs: again(node, index), content } : { ...node, content },
  );
}

function again(node: object, index: number): object {
  const { attrs } = node as { attrs: { localId: string } };
  return { ...attrs, localId: `${attrs.localId}-${index}` };
}

function isText(inline: unknown): inline is Text {
  return (inline as Text).type === 'text';
}

function cutText(node: Text, first: number, room: number): Text[] {
  const shell = sizeOf({ ...node, text: '' }) + 1;
  return sliceText(node.text, first - shell, Math.max(room - shell, 40), /[\s\u00a0]/).map((part) => ({
    ...node,
    text: part,
  }));
}

/** Slices whose JSON fits, cut after the last character that `at` matches, if there is one in the second half. */
function sliceText(whole: string, first: number, room: number, at: RegExp): string[] {
  const slices: string[] = [];
  let start = 0;
  let left = first < room / 4 ? room : first;
  let mark = -1;
  for (let index = 0; index < whole.length; index++) {
    const character = whole[index] ?? '';
    left -= sizeOf(character) - 2;
    const isLow = /[\udc00-\udfff]/.test(character);
    if (left < 0 && index > start && !isLow) {
      const end = mark > start + (index - start) / 2 ? mark : index;
      slices.push(whole.slice(start, end));
      start = end;
      index = end;
      left = room - (sizeOf(whole[index] ?? '') - 2);
      mark = -1;
    }
    if (at.test(whole[index] ?? '')) mark = index + 1;
  }
  slices.push(whole.slice(start));
  return slices.filter((slice) => slice !== '');
}

/** At the end of a line, which is not said twice. */
function cutCode(node: CodeBlock, first: number, room: number): CodeBlock[] {
  const code = node.content.map((part) => part.text).join('');
  const shell = sizeOf({ ...node, content: [text('')] }) + 8;
  return sliceText(code, first - shell, Math.max(room - shell, 40), /\n/).map((slice, index, all) => {
    const shown = index < all.length - 1 && slice.endsWith('\n') && slice !== '\n' ? slice.slice(0, -1) : slice;
    return { ...node, content: [text(shown)] };
  });
}

function cutTable(node: Table, first: number, room: number): Table[] {
  const [top, ...others] = node.content;
  const isHead = top !== undefined && others.length > 0 && top.content.every(({ type }) => type === 'tableHeader');
  const head = isHead && sizeOf(top) < room / 3 ? [top] : [];
  const rows = head.length > 0 ? others : node.content;
  const own = head.length > 0 ? sizeOf(top) + 1 : 0;
  const groups = cutContent(
    node,
    rows.flatMap((row) => cutRow(row, room - own - sizeOf({ ...node, content: [] }))),
    first - own,
    room - own,
  );
  return groups.map((content) => ({ ...node, content: [...head, ...content] }));
}

/** A row that is too long goes on in the next one, each cell in its column. */
function cutRow(row: Table['content'][number], room: number): Table['content'] {
  if (sizeOf(row) + 1 <= room) return [row];
  const width = Math.max(row.content.length, 1);
  const share = Math.floor((room - 40) / width) - 60;
  const cells = row.content.map((cell) => pack(cell.content, Math.max(share, 100)));
  const height = cells.reduce((most, parts) => Math.max(most, parts.length), 0);
  return Array.from({ length: height }, (_, index) => ({
    ...row,
    content: row.content.map((cell, column) => ({ ...cell, content: cells[column]?.[index] ?? [paragraph()] })),
  }));
}
