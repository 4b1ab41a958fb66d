import { expect, onTestFinished, test } from 'vitest';
import type { Operation } from '../../src/core/effect.ts';
import { VendorError } from '../../src/core/vendor-error.ts';
import { tellFailed } from '../../src/flow/tell-failed.ts';
import type { ClaimedEffect } from '../../src/store/effects.ts';
import { lockSession } from '../../src/store/sessions.ts';
import { createTestDatabase } from '../support/database.ts';
import { plantSession } from '../support/rows.ts';

test('screenshots that a ticket or a code host refuses are told, the files of a run once, and are no error of the session', async () => {
  const { db, pool, drop } = await createTestDatabase();
  onTestFinished(drop);
  const { id, runId, identifier } = await plantSession(pool, { state: 'complete', ended: false });
  const attach = (name: string): Operation => ({
    ...{ kind: 'attachFile', id: name, name, mediaType: 'image/png', evidence: name },
  });
  const push: Operation = {
    ...{
      kind: 'pushEvidence',
      id: 'c',
      repository: 'app',
      branch: 'work-screenshots',
      files: [],
      message: '',
      date: '',
    },
  };
  const refused = new VendorError('It takes none.', { code: 'invalid', retryable: false });
  for (const [key, operation] of [
    ['screenshots', push],
    ['screenshot/1', attach('1-before.png')],
    ['screenshot/2', attach('2-after.png')],
  ] as const)
    await db.transaction().execute(async (tx) => {
      const session = await lockSession(tx, id);
      if (!session) throw new Error('there is no session');
      const effect = { key: `${id}/run/1/${key}`, sessionId: id, runId, redrives: 0, operation };
      await tellFailed(tx, session, effect as ClaimedEffect, refused);
    });
  const { rows } = await pool.query('select activity from activities order by seq');
  expect(rows.map(({ activity }) => activity)).toEqual(
    ['pushing screenshots as work-screenshots', 'attaching 1-before.png'].map((what) => ({
      type: 'response',
      body: expect.stringMatching(new RegExp(`${what} .*shipmate sessions evidence ${identifier} --to DIR`, 's')),
    })),
  );
  expect((await pool.query('select state from sessions')).rows).toEqual([{ state: 'complete' }]);
});
