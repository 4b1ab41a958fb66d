import { sql } from 'kysely';
import { contentOf } from '../core/attachment-content.ts';
import type { Evidence } from '../core/evidence.ts';
import type { Image } from '../core/message.ts';
import type { KeptImage } from '../core/screenshots.ts';
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
  const found = rows.map((row) => row.evidence);
  // A file that was named again is said to be what it was called last.
  const last = new Map(found.map((item, index) => [item.type === 'file' ? item.path : index, index]));
  return found.filter((item, index) => last.get(item.type === 'file' ? item.path : index) === index);
}

/**
 * Images among it that tool servers returned, by their content; of one path the first. What commands leave is none: the agent
 * writes what they run, so it may be of anything, and a later one of the same name is another.
 */
export async function listImages(db: Database, sessionId: string): Promise<KeptImage[]> {
  const rows = await db
    .selectFrom('evidence')
    .select([
      'evidence',
      sql<Buffer>`substring(content from 1 for 16)`.as('head'),
      sql<number>`octet_length(content)`.as('bytes'),
      sql<string>`encode(sha256(content), 'hex')`.as('hash'),
    ])
    .where('session_id', '=', sessionId)
    .where('content', 'is not', null)
    .where(sql<boolean>`evidence ->> 'shown' is not null`)
    .orderBy('seq')
    .execute();
  const images = rows.flatMap(({ evidence, head, bytes, hash }) => {
    const found = contentOf(head);
    if (evidence.type !== 'file' || found.type !== 'image') return [];
    return [{ path: evidence.path, mediaType: found.mediaType, bytes, hash }];
  });
  return [...new Map(images.toReversed().map((image) => [image.path, image])).values()].toReversed();
}

/**
 * The bytes of one file; null: there is none, or no more. Of one path what a tool server returned, for that is what people are
 * shown by it; else the newest that commands left.
 */
export async function readEvidenceFile(db: Database, sessionId: string, path: string): Promise<Uint8Array | null> {
  const row = await db
    .selectFrom('evidence')
    .select('content')
    .where('session_id', '=', sessionId)
    .where('content', 'is not', null)
    .where(sql<string>`evidence->>'path'`, '=', path)
    .orderBy(sql`evidence ->> 'shown' is null`)
    .orderBy(sql`case when evidence ->> 'shown' is null then -seq else seq end`)
    .limit(1)
    .executeTakeFirst();
  return row?.content ?? null;
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
