import { test } from 'vitest';
import { sortDeliveries } from '../../src/flow.ts';
import { createPages } from '../../src/store/link-keys.ts';
import { someone } from '../support/service.ts';
import { agent, db, deps, desk, never, query, useBoard } from './reconciling.ts';

useBoard();

test('the page of a session is linked where it is given, right behind the acknowledgement, once', async ({
  expect,
}) => {
  const { urlOf } = createPages(db, 'https://shipmate.example/');
  const sort = () => sortDeliveries({ ...deps, pageOf: urlOf }, never);
  const { identifier } = await desk.createTicket({ title: 'A', assignee: agent }, someone);
  await sort();
  await desk.comment(identifier, 'Blue, please', someone);
  await desk.assign(identifier, 'ada', someone);
  await desk.assign(identifier, agent, someone);
  await sort();
  const { rows } = await query("select operation from effects where lane = 'ticket' order by seq");
  const kinds = rows.map(({ operation }) => operation.kind);
  expect(kinds.slice(0, 2)).toEqual(['postActivity', 'linkSession']);
  expect(kinds.filter((kind) => kind === 'linkSession')).toHaveLength(1);
  expect(rows[1].operation.url).toMatch(new RegExp(`^https://shipmate\\.example/sessions/${identifier}/[\\w-]{64}$`));
});
