import { fits } from './filtering.ts';
import { invalidInput } from './refusal.ts';
import type { Context } from './resolving.ts';
import type { Row } from './rows.ts';

export interface PageArgs {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  filter?: Record<string, unknown> | null;
  orderBy?: 'createdAt' | 'updatedAt' | null;
  sort?: Record<string, { order?: 'Ascending' | 'Descending' | null }>[] | null;
  includeArchived?: boolean | null;
}

const usualPage = 50;
export const largestPage = 250;

/** One page of rows of a type, the newest first, as Linear has it. A cursor is the id of a row, wherever that is now. */
export function page<R extends Row>(rows: Iterable<R>, args: PageArgs, context: Context) {
  const size = args.first ?? args.last ?? usualPage;
  if (size < 1 || size > largestPage) throw invalidInput(`first and last must be between 1 and ${largestPage}.`);
  const all = [...rows];
  const { field, direction } = orderOf(args);
  const compare = (a: Row, b: Row) =>
    direction * (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  const cursorRow = (id: string): Row => {
    const found = all.find((row) => row.id === id);
    if (!found) throw invalidInput('The cursor is not valid.');
    return found;
  };

  const filter = args.filter ?? {};
  const isShown = (row: R) =>
    (args.includeArchived || !(row as { archivedAt?: string | null }).archivedAt) &&
    fits(row.__typename, row, filter, context);
  const after = args.after == null ? null : cursorRow(args.after);
  const before = args.before == null ? null : cursorRow(args.before);
  const fitting = all
    .filter(isShown)
    .filter((row) => (!after || compare(row, after) > 0) && (!before || compare(row, before) < 0))
    .toSorted(compare);
  const fromEnd = args.first == null && args.last != null;
  const nodes = fromEnd ? fitting.slice(-size) : fitting.slice(0, size);
  const more = fitting.length > nodes.length;
  return {
    nodes,
    edges: nodes.map((node) => ({ node, cursor: node.id })),
    pageInfo: {
      hasNextPage: fromEnd ? before !== null : more,
      hasPreviousPage: fromEnd ? more : after !== null,
      startCursor: nodes[0]?.id ?? null,
      endCursor: nodes.at(-1)?.id ?? null,
    },
  };
}

function orderOf({ orderBy, sort }: PageArgs): { field: 'createdAt' | 'updatedAt'; direction: 1 | -1 } {
  const [key, by] = Object.entries(sort?.[0] ?? {})[0] ?? [];
  if (key === undefined) return { field: orderBy ?? 'createdAt', direction: -1 };
  if (key !== 'createdAt' && key !== 'updatedAt') throw new Error(`The stand-in cannot sort by ${key}.`);
  return { field: key, direction: by?.order === 'Ascending' ? 1 : -1 };
}
