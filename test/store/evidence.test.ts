import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { addEvidence, listImages, readEvidenceFile } from '../../src/store/evidence.ts';
import { createTestDatabase } from '../support/database.ts';
import { plantSession } from '../support/rows.ts';
import { pngOf } from '../tools/make-png.ts';

test('what people are shown under a name is what its tool server returned, not what a command left under it', async () => {
  const { db, pool, drop } = await createTestDatabase();
  onTestFinished(drop);
  const { id: sessionId, runId } = await plantSession(pool);
  const hashOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
  const [taken, old, newest] = ['taken', 'old', 'newest'].map(pngOf) as [Buffer, Buffer, Buffer];
  const keep = (key: string, path: string, content: Buffer, shown?: string) => {
    const file = { name: path, mediaType: 'image/png', bytes: content.length, path, ...(shown && { shown }) };
    const contents = new Map([[path, content]]);
    return db
      .transaction()
      .execute((tx) => addEvidence(tx, { sessionId, runId, key }, [{ type: 'file', ...file }], contents));
  };
  await keep('1', 'camera/a.png', old);
  await keep('2', 'camera/a.png', taken, hashOf(taken));
  await keep('3', 'home.png', old);
  await keep('4', 'camera/a.png', newest);
  await keep('5', 'home.png', newest);

  expect(await listImages(db, sessionId)).toMatchObject([{ path: 'camera/a.png', hash: hashOf(taken) }]);
  const read = async (path: string) => hashOf((await readEvidenceFile(db, sessionId, path)) ?? Buffer.of());
  expect([await read('camera/a.png'), await read('home.png')]).toEqual([hashOf(taken), hashOf(newest)]);
});
