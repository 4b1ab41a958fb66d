import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { type AcceptDeps, acceptDelivery } from '../flow.ts';
import { type BoardDesk, createBoardDesk } from '../trackers/board/desk.ts';

/** The board for people: what they change there is accepted in the same transaction. */
export function openDesk(parts: { pool: Pool; config: Config; boardSecret: string; accepting: AcceptDeps }): BoardDesk {
  const { pool, config, boardSecret, accepting } = parts;
  return createBoardDesk({
    pool,
    agent: config.trackers.board.agent,
    secret: boardSecret,
    accept: (tx, { source, headers, body }) => acceptDelivery(accepting, tx, source, headers, body),
  });
}
