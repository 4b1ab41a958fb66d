import { sql } from 'kysely';
import type { Evidence } from '../core/evidence.ts';
import type { Image } from '../core/message.ts';
import { deterministicId } from '../lib/ids.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

/** Keeps what a step found; `content` holds the bytes of evidence that is a file, by its path. */
export async function addEvidence(
  tx: Tx,
  where: { sessionId: string; runId: string; key: string },
  evidence: Evidence[],
  content: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<void> {
  if (evidence.length === 0) return;
  await tx
    .insertInto('evidence')
    .values(
      evidence.map((item, index) => {
        const bytes = item.type === 'file' ? content.get(item.path) : undefined;
        return {
          id: deterministicId('evidence', where.runId, where.key, index),
          session_id: where.sessionId,
          run_id: where.runId,
          evidence: toJson(item),
          content: bytes ? Buffer.from(bytes) : null,
        };
      }),
    )
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

export async function listEvidence(db: Database, sessionId: string): Promise<Evidence[]> {
  const rows = await db
    .selectFrom('evidence')
    .select('evidence')
    .where('session_id', '=', sessionId)
    .orderBy('seq')
    .execute();
  return rows.map((row) => row.evidence);
}

/** The images among it that the model was shown, by their hashes. */
export async function readShownImages(db: Database, sessionId: string): Promise<Map<string, Image>> {
  const rows = await db
    .selectFrom('evidence')
    .select(['evidence', 'content'])
    .where('session_id', '=', sessionId)
    .where('content', 'is not', null)
    .where(sql<boolean>`evidence ->> 'shown' is not null`)
    .execute();
  return new Map(
    rows.flatMap(({ evidence, content }) =>
      evidence.type === 'file' && evidence.shown !== undefined && content
        ? [[evidence.shown, { mediaType: evidence.mediaType, data: content.toString('base64') }]]
        : [],
    ),
  );
}

/** The bytes of what commands left, by its path in the evidence directory. */
export async function listEvidenceFiles(
  db: Database,
  sessionId: string,
): Promise<{ path: string; content: Uint8Array }[]> {
  const rows = await db
    .selectFrom('evidence')
    .select(['evidence', 'content'])
    .where('session_id', '=', sessionId)
    .where('content', 'is not', null)
    .orderBy('seq')
    .execute();
  return rows.flatMap(({ evidence, content }) =>
    evidence.type === 'file' && content ? [{ path: evidence.path, content }] : [],
  );
}
