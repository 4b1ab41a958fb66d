import { expect, onTestFinished, test } from 'vitest';
import { acceptTools, noteToolServer, pinToolServer, readToolServer } from '../../src/store/tool-servers.ts';
import { createTestDatabase } from '../support/database.ts';

const listing = (hash: string) => ({ version: hash, hash, tools: [{ name: hash, description: '', inputSchema: {} }] });

test('what is accepted is what was shown, or nothing', async () => {
  const { db, drop } = await createTestDatabase();
  onTestFinished(drop);
  await pinToolServer(db, 'unruly', listing('first'));
  await noteToolServer(db, 'unruly', listing('second'));
  const shown = await readToolServer(db, 'unruly');
  if (!shown?.offered) throw new Error('nothing is offered');
  await noteToolServer(db, 'unruly', listing('third'));
  expect(await acceptTools(db, shown, shown.offered)).toBe(false);
  expect(await readToolServer(db, 'unruly')).toMatchObject({ hash: 'first', offered: { hash: 'third' } });
});
