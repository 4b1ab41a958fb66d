import type { LogLine } from './log-line.ts';

/** Of a group that is still open; a group may be all of a long log. */
const keptLines = 60;

export interface GroupFolder {
  /** Takes the next line and returns those that are ready: none while a group is open. */
  push(line: LogLine): LogLine[];
  /** What is still held: the log ended inside a group. */
  end(): LogLine[];
}

/**
 * Makes one line of each `##[group]`, which says where the rest is. A group in which something failed, or that never ended,
 * stays open: its last lines then stand as they are.
 */
export function createGroupFolder(): GroupFolder {
  let group: { head: LogLine; held: LogLine[]; count: number } | null = null;

  function open(): LogLine[] {
    const lines = group === null ? [] : [group.head, ...group.held];
    group = null;
    return lines;
  }

  return {
    push(line) {
      if (line.text.startsWith('##[group]')) {
        const before = open();
        group = { head: line, held: [], count: 0 };
        return before;
      }
      if (line.text.startsWith('##[endgroup]')) {
        if (group === null) return [line];
        const { head, count } = group;
        group = null;
        const rest = count === 0 ? '' : ` [folded: ${head.number + 1}-${line.number - 1}]`;
        return [{ ...head, text: head.text.slice(9) + rest, last: line.number }];
      }
      if (group === null) return [line];
      if (line.rank !== null && line.rank < 2) return [...open(), line];
      group.count += 1;
      group.held.push(line);
      if (group.held.length > keptLines) group.held.shift();
      return [];
    },
    end: open,
  };
}
