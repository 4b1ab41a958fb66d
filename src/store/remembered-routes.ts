import { sql } from 'kysely';
import type { RouteScope } from '../core/routing.ts';
import type { Person, TrackerKind } from '../core/ticket.ts';
import { toJson } from '../lib/json.ts';
import type { Database, Tx } from './database.ts';

export interface RememberedRoute {
  tracker: string;
  scope: RouteScope;
  repository: string;
  by: Person;
  /** When it was said, in the tracker's time. */
  at: Date;
}

/** What people answered for a project or team; null: nothing that is still remembered. */
export async function readRememberedRoute(
  db: Database | Tx,
  tracker: TrackerKind,
  scope: RouteScope,
): Promise<RememberedRoute | null> {
  const rows = await select(db)
    .where('tracker', '=', tracker)
    .where('scope_kind', '=', scope.kind)
    .where('scope_name', '=', scope.name)
    .execute();
  return rows.flatMap(toRoute)[0] ?? null;
}

export async function listRememberedRoutes(db: Database): Promise<RememberedRoute[]> {
  const rows = await select(db).orderBy('tracker').orderBy('scope_kind').orderBy('scope_name').execute();
  return rows.flatMap(toRoute);
}

/** The newest answer holds, in whatever order they are heard; of two of the same moment always the same one. */
export async function rememberRoute(
  tx: Tx,
  route: { tracker: TrackerKind; scope: RouteScope; repository: string; by: Person; at: string },
): Promise<void> {
  await tx
    .insertInto('remembered_routes')
    .values({
      tracker: route.tracker,
      scope_kind: route.scope.kind,
      scope_name: route.scope.name,
      repository: route.repository,
      said_by: toJson(route.by),
      said_at: route.at,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['tracker', 'scope_kind', 'scope_name'])
        .doUpdateSet((set) => ({
          repository: set.ref('excluded.repository'),
          said_by: set.ref('excluded.said_by'),
          said_at: set.ref('excluded.said_at'),
        }))
        .where(sql<boolean>`(excluded.said_at, excluded.repository)
          > (remembered_routes.said_at, coalesce(remembered_routes.repository, excluded.repository))`),
    )
    .execute();
}

/** Forgets what was answered for projects and teams of this name. How many there were. */
export async function forgetRoutes(db: Database, name: string): Promise<number> {
  const forgotten = await db
    .updateTable('remembered_routes')
    .set({ repository: null })
    .where(sql<boolean>`lower(scope_name) = lower(${name})`)
    .where('repository', 'is not', null)
    .executeTakeFirst();
  return Number(forgotten.numUpdatedRows);
}

function select(db: Database | Tx) {
  return db
    .selectFrom('remembered_routes')
    .select(['tracker', 'scope_kind', 'scope_name', 'repository', 'said_by', 'said_at']);
}

function toRoute(row: {
  tracker: string;
  scope_kind: RouteScope['kind'];
  scope_name: string;
  repository: string | null;
  said_by: Person;
  said_at: Date;
}): RememberedRoute[] {
  const { tracker, repository } = row;
  const scope = { kind: row.scope_kind, name: row.scope_name };
  return repository === null ? [] : [{ tracker, scope, repository, by: row.said_by, at: row.said_at }];
}
