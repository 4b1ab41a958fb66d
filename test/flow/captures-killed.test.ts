import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import type { Capture } from '../../src/core/capture.ts';
import { fileCaptures, makeTicket } from '../../src/flow.ts';
import { aCapture, aConcern, capturing } from '../support/captures.ts';
import { compileCache } from '../support/compile-cache.ts';
import { someone } from '../support/service.ts';
import { agent, database, depsWith, desk, never, query, tracker, useBoard, violations } from './reconciling.ts';

useBoard();

async function dieAt(failpoint: string, capture: Capture): Promise<unknown[]> {
  const main = join(import.meta.dirname, 'doomed-capture.ts');
  const child = spawn(process.execPath, [main, database.url, failpoint, JSON.stringify(capture)], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return once(child, 'exit');
}

/** As if the lease of whoever died had run out. */
const leaseOver = () => query("update captures set try_at = now() - interval '1 second' where state = 'filing'");

describe('whoever files what was brought is killed', () => {
  const points = ['before', 'stored', 'created', 'noted', 'linked', 'taken', 'settled'];
  test('at each step: each ticket is filed, linked and given once, and the answer is the same', async ({ expect }) => {
    const deps = capturing(depsWith(tracker));
    for (const pair of [points.slice(0, 4), points.slice(4)])
      await Promise.all(
        pair.map(async (point) => {
          const also = [aConcern(`${point}: second`)];
          const capture = aCapture({ title: `${point}: first`, notes: '', also, assign: true });
          expect(await dieAt(`capture/${point}`, capture), point).toEqual([null, 'SIGKILL']);
        }),
      );
    await leaseOver();
    await Promise.all([fileCaptures(deps, never), fileCaptures(deps, never)]);
    const titles = (await desk.list()).map(({ title }) => title).sort();
    const filed = points.filter((point) => point !== 'before');
    expect(titles).toEqual(filed.flatMap((point) => [`${point}: first`, `${point}: second`]).sort());
    for (const { identifier, title } of await desk.list()) {
      const { ticket } = await desk.show(identifier);
      expect([ticket.assignee?.id, ticket.relations.map(({ type }) => type)], title).toEqual([agent, ['relatedTo']]);
    }
    const { rows } = await query(
      'select count(*)::int as sessions, count(distinct ticket_id)::int as tickets from sessions',
    );
    expect(rows).toEqual([{ sessions: 2 * filed.length, tickets: 2 * filed.length }]);
    // The client never heard of it, and sends it again.
    const { rows: kept } = await query('select draft, id from captures where place = 0');
    expect(kept).toHaveLength(filed.length);
    const again = await makeTicket(deps, aCapture({ title: 'before: first', notes: '', assign: true }), someone, never);
    expect(again.status).toBe('filed');
    expect(await violations()).toEqual([]);
  });

  test('as it is added to a ticket: it is said there once', async ({ expect }) => {
    const { identifier } = await desk.createTicket({ title: 'Dates' }, someone);
    const capture = aCapture({ addTo: identifier });
    expect(await dieAt('capture/said', capture)).toEqual([null, 'SIGKILL']);
    await leaseOver();
    await fileCaptures(capturing(depsWith(tracker)), never);
    expect((await desk.show(identifier)).activities).toHaveLength(1);
    expect(await makeTicket(capturing(depsWith(tracker)), capture, someone, never)).toMatchObject({ status: 'added' });
    expect((await desk.show(identifier)).activities).toHaveLength(1);
  });
});
