import type { Tokens } from 'marked';
import {
  type Block,
  bulletList,
  type Inline,
  type ListItem,
  listItem,
  orderedList,
  type TaskItem,
  type TaskList,
  text,
} from './document.ts';
import { isForbidden, type Reading, readBlocks } from './from-markdown.ts';

/** Jira's editor indents no further; what is deeper stands in the deepest list. */
const mostLists = 6;

/** A list of both tasks and other items becomes several: Jira has no list of both. */
export function readList(list: Tokens.List, reading: Reading): Block[] {
  const start = Number(list.start) || 0;
  return runsOf(list.items).flatMap(({ items, at, isTasks }) => {
    if (isTasks && !isForbidden('taskList', reading)) return readTasks(items, reading);
    const read = items.flatMap((item) => readItem(item, reading));
    return [list.ordered ? orderedList(read, start + at) : bulletList(read)];
  });
}

function runsOf(items: readonly Tokens.ListItem[]): { items: Tokens.ListItem[]; at: number; isTasks: boolean }[] {
  const runs: { items: Tokens.ListItem[]; at: number; isTasks: boolean }[] = [];
  for (const [at, item] of items.entries()) {
    const last = runs.at(-1);
    if (last && last.isTasks === item.task) last.items.push(item);
    else runs.push({ items: [item], at, isTasks: item.task });
  }
  return runs;
}

function readItem(item: Tokens.ListItem, reading: Reading): ListItem[] {
  const blocks = readBlocks(item.tokens, { ...reading, place: 'listItem', lists: reading.lists + 1 });
  const content = item.task ? [...ticked(item.checked === true, blocks)] : blocks;
  if (reading.lists + 1 < mostLists) return [listItem(content)];
  const isList = (block: Block) => block.type === 'bulletList' || block.type === 'orderedList';
  const own = content.filter((block) => !isList(block));
  const deeper = content.flatMap((block) =>
    block.type === 'bulletList' || block.type === 'orderedList' ? block.content : [],
  );
  return [listItem(own), ...deeper];
}

/** Where no task may stand. */
function ticked(isDone: boolean, blocks: Block[]): Block[] {
  const [first, ...rest] = blocks;
  const mark = text(isDone ? '☑ ' : '☐ ');
  if (first?.type === 'paragraph') return [{ ...first, content: [mark, ...first.content] }, ...rest];
  return [{ type: 'paragraph', content: [mark] }, ...blocks];
}

/** What a task has beside text and further tasks stands after its list. */
function readTasks(items: readonly Tokens.ListItem[], reading: Reading): Block[] {
  const blocks: Block[] = [];
  let open: TaskList | null = null;
  for (const item of items) {
    const below = readBlocks(item.tokens, { ...reading, lists: reading.lists + 1 });
    const { content, rest } = leadingText(below);
    const task: TaskItem = {
      type: 'taskItem',
      attrs: { localId: reading.nextId(), state: item.checked ? 'DONE' : 'TODO' },
      content,
    };
    if (open === null) {
      open = { type: 'taskList', attrs: { localId: reading.nextId() }, content: [] };
      blocks.push(open);
    }
    open.content.push(task);
    for (const block of rest) {
      if (block.type !== 'taskList' || open === null) {
        blocks.push(block);
        open = null;
      } else if (reading.lists + 1 < mostLists) open.content.push(block);
      else for (const task of block.content) open.content.push(task);
    }
  }
  return blocks;
}

function leadingText(blocks: readonly Block[]): { content: Inline[]; rest: Block[] } {
  const end = blocks.findIndex(({ type }) => type !== 'paragraph');
  const texts = end === -1 ? blocks : blocks.slice(0, end);
  const content = texts
    .flatMap((block) => (block.type === 'paragraph' && block.content.length > 0 ? [block.content] : []))
    .flatMap((line, index): Inline[] => (index === 0 ? line : [{ type: 'hardBreak' }, ...line]));
  return { content, rest: end === -1 ? [] : blocks.slice(end) };
}
