import { sql } from 'kysely';
import { searchWords } from '../../core/search-words.ts';
import type { TicketMatch } from '../../core/ticket.ts';
import { type BoardDatabase, isoTime } from './database.ts';
import { categoryOf } from './states.ts';
import { hintOf } from './tickets.ts';

/** Of a longer description the rest is not searched: it is a log, and reading it takes longer than people wait. */
const mostSearched = 10_000;

/**
 * Tickets with any of the words, the best match first: the more of them the better, and in the title more than below it. A
 * word is also found within a longer one. No index: ten thousand tickets of two kilobytes are read in half a second.
 * (`offset 0`: what it stands behind is worked out once.)
 */
export async function searchTickets(
  db: BoardDatabase,
  words: string,
  limit: number,
  signal: AbortSignal,
): Promise<TicketMatch[]> {
  signal.throwIfAborted();
  const all = searchWords(words);
  // "is" stands in every text; but nobody is to find nothing for having typed nothing else.
  const long = all.filter((word) => word.length > 2 || /[^\0-\x7f]/.test(word));
  const asked = long.length > 0 ? long : all;
  if (asked.length === 0 || limit < 1) return [];
  // In a database of the locale C, lower() leaves all but ASCII as it is.
  const capital = asked.map((word) =>
    word.replace(/^\p{L}/u, (letter) => (letter > '\x7f' ? letter.toUpperCase() : letter)),
  );
  const upper = asked.map((word) => word.replace(/[^\0-\x7f]/gu, (letter) => letter.toUpperCase()));
  const has = (part: 'title' | 'description') => {
    const text = sql.ref(`low.${part}`);
    const others = sql`(plain <> upper and (strpos(${text}, capital) > 0 or strpos(${text}, upper) > 0))`;
    return sql`(strpos(${text}, plain) > 0 or ${others})::int`;
  };
  const score = sql<number>`(
    select coalesce(sum(3 * ${has('title')} + ${has('description')}), 0)
    from unnest(${asked}::text[], ${capital}::text[], ${upper}::text[]) as word(plain, capital, upper)
  )`;
  const { rows } = await sql<Row>`
    select number, title, priority, fields, state, description, ${isoTime('updated_at')} as updated
    from (
      select board_tickets.*, ${score} as score
      from board_tickets, lateral (
        select lower(title) as title, lower(left(description, ${mostSearched}::int)) as description offset 0
      ) as low
      offset 0
    ) as scored
    where score > 0
    order by score desc, number desc
    limit ${limit}`.execute(db, { signal });
  return rows.map((row) => ({
    hint: hintOf(row),
    state: { name: row.state, category: categoryOf(row.state) },
    text: row.description,
    updatedAt: row.updated,
  }));
}

type Row = Parameters<typeof hintOf>[0] & {
  state: Parameters<typeof categoryOf>[0];
  description: string;
  updated: string;
};
