import type { RepositoryReach } from '../../../../vendors/github/client.ts';
import { unlessGone } from './show-status.ts';

const routes: Record<string, string> = {
  line: 'POST /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions',
  comment: 'POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions',
};

/** Eyes on a comment; GitHub has one of each kind and account. */
export async function acknowledgeRemark(
  reach: RepositoryReach,
  remark: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const [, kind = '', id] = /^(\w+):(\d+)$/.exec(remark) ?? [];
  const route = Object.hasOwn(routes, kind) ? routes[kind] : undefined;
  if (!route) return { skipped: 'It has no place for a reaction.' };
  const isThere = await unlessGone(reach.send(route, { comment_id: Number(id), content: 'eyes' }, signal));
  return isThere ? {} : { skipped: 'The remark was deleted.' };
}
